"""Give tests of lists the label page that shows them."""

from label_fixtures import desk, open_desk, project

__all__ = ["desk", "open_desk", "project"]
