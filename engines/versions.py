"""Which version of a runtime is installed; nothing of it is imported."""

from __future__ import annotations

from importlib import metadata


def installed_version(module: str) -> str:
    """Of the distribution that brings ``module``: "1.31.0", or "of unknown version".

    A distribution may be called otherwise: ``onnxruntime-gpu`` brings ``onnxruntime``.
    """
    try:
        return metadata.version(module)
    except metadata.PackageNotFoundError:  # seldom, as finding it reads all that is installed
        for distribution in metadata.packages_distributions().get(module, ()):
            return metadata.version(distribution)
    return "of unknown version"
