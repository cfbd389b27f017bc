import own
import six

print(own.VERSION, six.__version__)
