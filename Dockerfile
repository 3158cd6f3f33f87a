# One image for gateways, workers and migrations: docs/containers.md. Each package in it is pinned by a hash.

# The Python of Debian 12, which is the oldest that Haulage supports, and the one that runs most of its tests.
FROM debian:bookworm-slim AS python
ENV PATH=/opt/haulage/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# Debian's packages are not pinned: within a release they change for security only.
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates python3 \
  && rm -rf /var/lib/apt/lists/*

FROM python AS tools
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install --yes --no-install-recommends binutils python3-venv \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /src
RUN python3 -m venv .venv

FROM tools AS page
COPY frontend/npm.sh frontend/node.lock frontend/package.json frontend/package-lock.json frontend/.npmrc frontend/
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=cache,target=/root/.npm \
  sh frontend/npm.sh ci --silent
COPY frontend frontend
RUN sh frontend/npm.sh run --silent build -- --logLevel warn

FROM tools AS packages
RUN python3 -m venv --without-pip /opt/haulage
COPY requirements.runtime.lock requirements.build.lock ./
# hadolint ignore=DL3042
RUN --mount=type=cache,target=/root/.cache/pip \
  .venv/bin/pip --python /opt/haulage/bin/python install --quiet --require-hashes -r requirements.runtime.lock \
  && .venv/bin/pip install --quiet --require-hashes -r requirements.build.lock
# A third of it is of no use here: debug information, and what botocore knows of other services than S3. Stripped libraries of
# pyvips can't be loaded: patchelf has moved their tables.
RUN find /opt/haulage -name '*.so*' ! -path '*vips*' -exec strip --strip-unneeded {} + \
  && find /opt/haulage/lib/python3*/site-packages/botocore/data -mindepth 1 -maxdepth 1 -type d ! -name s3 -exec rm -r {} +
COPY pyproject.toml README.md LICENSE ./
COPY app app
COPY jobs jobs
COPY --from=page /src/app/pages/built app/pages/built
RUN .venv/bin/pip wheel --quiet --no-deps --no-build-isolation --no-index --wheel-dir wheels . \
  && .venv/bin/pip --python /opt/haulage/bin/python install --quiet --no-deps --no-index wheels/*.whl
# EXTRAS=media adds the ffmpeg that converts videos, EXTRAS=heic what decodes HEIC. Both contain what is GPL: docs/containers.md.
ARG EXTRAS=
COPY requirements.heic.lock requirements.media.lock ./
# hadolint ignore=DL3042
RUN --mount=type=cache,target=/root/.cache/pip \
  for extra in $EXTRAS; do \
    .venv/bin/pip --python /opt/haulage/bin/python install --quiet --require-hashes -r "requirements.$extra.lock" || exit 1; \
  done

FROM python
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Haulage" \
  org.opencontainers.image.description="A server for long-running downloads" \
  org.opencontainers.image.licenses="MIT" \
  org.opencontainers.image.version="$VERSION" \
  org.opencontainers.image.revision="$REVISION"
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin haulage \
  && install --directory --owner=haulage --group=haulage --mode=0700 /var/lib/haulage/scratch
COPY --from=packages /opt/haulage /opt/haulage
# In a container, 127.0.0.1 is reached by nobody. Who reaches the other addresses is up to its network.
ENV HOST=:: PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 SCRATCH_DIR=/var/lib/haulage/scratch
USER 10001:10001
EXPOSE 8080 8081
# `serve` and `worker` drain on it, and exit with 0.
STOPSIGNAL SIGTERM
ENTRYPOINT ["haulage"]
