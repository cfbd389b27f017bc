"""Which packages a project needs: one module for each kind of file that names them."""
