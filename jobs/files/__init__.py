"""The catalogue of stored files: finding, adding and naming them."""
