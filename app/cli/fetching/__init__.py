"""From the order to the saved file."""
