"""Configuration of the documentation site: the documents where they lie, and the API from the docstrings.

``make docs`` runs Sphinx on the root of the repository with this file, so that links between README.md, docs/ and other
files are the same on the site as on a code host.
"""

from __future__ import annotations

import maskgan

project = "MaskGAN"
author = "The MaskGAN maintainers"
copyright = "2026, the MaskGAN maintainers"
version = release = maskgan.__version__

extensions = ["myst_parser", "sphinx.ext.apidoc", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "docs/index"
include_patterns = [
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "docs/**",
    "src/maskgan/assets/portraits/NOTICE.md",
]
exclude_patterns = [".*", "build", "dist", "out", "runs", "tests", "benchmarks"]
html_theme = "furo"
html_title = f"MaskGAN {release}"
html_copy_source = False
html_show_sourcelink = False

myst_heading_anchors = 4

apidoc_modules = [
    {
        "path": "../src/maskgan",  # from this folder
        "destination": "docs/api",  # from the root
        "exclude_patterns": ["**/cli/**", "**/__main__.py"],  # the commands' reference is --help
        "separate_modules": False,
        "implicit_namespaces": False,
        "automodule_options": {"members", "show-inheritance"},
    }
]
autodoc_member_order = "bysource"
autodoc_typehints = "description"
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # else attributes of dataclasses are described twice

if tags.has("pages"):  # noqa: F821 (Sphinx defines it): the documents without the API, for a quick check of their links
    extensions.remove("sphinx.ext.apidoc")
    exclude_patterns.append("docs/api")
    suppress_warnings = ["toc.excluded", "toc.not_readable"]
