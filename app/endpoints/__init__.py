"""The endpoints, one module for each resource. `app.operations` lists them all."""
