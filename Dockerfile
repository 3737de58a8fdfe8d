# The image of the agent and of every other role: one static executable, and nothing else.
#
#   make image        or: docker build --tag frrk8s:0.1.0 .
#
# Beside its base image it needs the registry of crates only.
FROM rust:1.95-slim-bookworm AS build
WORKDIR /source
COPY . .
# Static, so that the image needs no libraries. `dist` is the profile with thin LTO.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/target \
    hack/build-image-root /target /root-of-image

FROM scratch
COPY --from=build /root-of-image /
ENTRYPOINT ["/frrk8s"]
