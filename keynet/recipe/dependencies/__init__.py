"""The packages a project needs: one module for each kind of file that declares them."""
