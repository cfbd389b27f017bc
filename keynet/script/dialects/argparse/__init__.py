"""argparse, and the libraries whose parsers derive from argparse's."""
