"""Draw synthetic micrographs of polished Ti-6Al-4V with exact truth."""

from poregui.vision.synthetic.sample import draw_sample, draw_specimen, draw_unseen
from poregui.vision.synthetic.scene import CLASS_NAMES, SyntheticMicrograph, TruePore

__all__ = [
    "CLASS_NAMES",
    "SyntheticMicrograph",
    "TruePore",
    "draw_sample",
    "draw_specimen",
    "draw_unseen",
]
