"""The endpoints, a module for each noun. `app.operations` lists them all."""
