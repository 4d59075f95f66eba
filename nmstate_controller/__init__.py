"""Kubernetes nodes' networks as Kubernetes objects, configured through nmstate."""

__version__ = "0.1.0"
