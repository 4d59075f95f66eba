"""A Kubernetes control plane and nodes of their own on one machine, without containers or virtual machines.

Only the standard library is used: `hack/lab` has to run before anything is installed.  Imports point one way:
cli -> lab -> {agent, kubelet} -> {cluster, controlplane, node} -> channel
-> {certificates, binaries, packages, network, process} -> place -> {progress, frames, errors};
image -> bases -> buildah, and pause, stand beside them.  `server` and `frames` run on the nodes, `guest` boots them.
"""
