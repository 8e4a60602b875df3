"""Say what poregui talks about: values and arithmetic without files, windows or networks."""
