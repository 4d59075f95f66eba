# The agent's image. `docker build .` needs nothing but this folder; `make image` builds it without Docker from this very file.
#
# No `RUN --mount`: Debian 12's buildah has been seen to empty a stage's file system when it cleans up after one.

# --- Everything that has to be built. Debian's Python is the same here and below, so that what is installed here runs there.
FROM rust:1-slim-bookworm AS build

RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3-venv \
    && rm -rf /var/lib/apt/lists/*

# One environment to build with, and the one that the image gets: without pip.
RUN python3 -m venv /opt/build && python3 -m venv --without-pip /opt/nmstate-controller
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore \
    INSTALL="/opt/build/bin/pip --python /opt/nmstate-controller/bin/python install --quiet --no-compile" \
    COMPILE="/opt/nmstate-controller/bin/python -m compileall -q --invalidation-mode unchecked-hash" \
    PACKAGES=/opt/nmstate-controller/lib/python3.11/site-packages
WORKDIR /src

COPY requirements/build.txt requirements/agent.txt requirements/
# What is compiled here is never compared with its source again: the files of an image do not change, whatever their times say.
# Left out are debug symbols, type stubs, and the bytecode of half a million lines that cluster/kubernetes.py keeps from being imported.
RUN /opt/build/bin/pip install --quiet --require-hashes -r requirements/build.txt \
    && $INSTALL --require-hashes --only-binary :all: -r requirements/agent.txt \
    && find $PACKAGES -name '*.so' -exec strip --strip-debug {} + \
    && find $PACKAGES -name '*.pyi' -delete \
    && $COMPILE -x 'kubernetes_asyncio/client/(api|models)/[a-z]' $PACKAGES

# Three minutes on two cores.
COPY hack/build-libnmstate hack/build-libnmstate
COPY hack/libnmstate hack/libnmstate
RUN wheel=$(/opt/build/bin/python hack/build-libnmstate) \
    && $INSTALL --no-deps --no-index "$wheel" \
    && $COMPILE $PACKAGES/libnmstate

COPY pyproject.toml README.md LICENSE ./
COPY nmstate_controller nmstate_controller
RUN /opt/build/bin/pip wheel --quiet --no-deps --no-index --no-build-isolation --wheel-dir dist . \
    && $INSTALL --no-deps --no-index dist/*.whl \
    && $COMPILE $PACKAGES/nmstate_controller

# --- What runs: Debian, its Python, and that environment. No compiler, no pip; nothing is written to, or can be by others.
FROM debian:bookworm-slim

RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 \
    && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/* /tmp/* \
    # D-Bus is looked for in /var/run, and mounted at /run.
    && [ "$(readlink -f /var/run)" = /run ] \
    && chmod go-w /tmp /var/tmp /run/lock

COPY --from=build /opt/nmstate-controller /opt/nmstate-controller

ENV PATH=/opt/nmstate-controller/bin:$PATH PYTHONDONTWRITEBYTECODE=1
# Health is kubelet's business: /livez and /readyz.
ENTRYPOINT ["nmstate-controller"]

ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="nmstate-controller" \
      org.opencontainers.image.description="A Kubernetes node's network as a Kubernetes object" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="debian:bookworm-slim"
