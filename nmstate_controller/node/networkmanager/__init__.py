"""NetworkManager over D-Bus: what it runs, how that is brought back, and the signals it sends."""
