"""Train networks; TensorFlow and Keras live here only, and this package runs in a child process
only.
"""
