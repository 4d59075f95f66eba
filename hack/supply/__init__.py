"""What the agent is made of beside its own code: for `hack/sbom` and `hack/licences`.

Read from the two lock files, requirements/agent.txt and hack/libnmstate/Cargo.lock; licences from packages' metadata.
"""
