"""What distributions bring and need: modules, further distributions, a CUDA toolkit."""
