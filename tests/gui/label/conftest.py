"""Give every test of the label page its project and its page."""

from label_fixtures import desk, on_crops, open_desk, project

__all__ = ["desk", "on_crops", "open_desk", "project"]
