"""The host side. Only this package imports libnmstate."""
