"""The loop between the cluster and the node."""
