"""The ZIP format and the layout of a bundle. Pure: no I/O."""
