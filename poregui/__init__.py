"""Label, train and review pores in micrographs of 3-D printed metal."""

import os
import sys

from poregui.launching import leave_working_folder

__version__ = "0.1.0"

# ONNX Runtime reports its use to its vendor, and looks here only while it is loaded. Every process
# of ours imports this package first, and those that it starts inherit what is set.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

if sys.argv[:1] == ["-m"]:  # `python -m poregui`: so it is called until its module has been found
    leave_working_folder()
