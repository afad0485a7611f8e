# The gateway without npm, shell and package manager: Node, the build and what it needs. Why it is like this, and what
# of it was run where: docs/decisions/packaging.md. How it is used: docs/operations.md, "In a container".
#
#   docker build -t oci-work-request-gateway .
#   docker run --rm --read-only --cap-drop ALL -p 127.0.0.1:4000:4000 -e AUTH_ALLOW_ANONYMOUS=true oci-work-request-gateway

# The Node that the tests run with (package.json pins it for npm's scripts).
ARG NODE_VERSION=24.21.0
# Has no versions to pin; an operator who wants one names a digest here.
ARG BASE_IMAGE=gcr.io/distroless/cc-debian13:nonroot

# Nothing of what it makes depends on the processor: it runs on the builder's.
FROM --platform=$BUILDPLATFORM node:${NODE_VERSION}-trixie-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --omit=optional
COPY . .
RUN npm run build
RUN cd dist && npm ci --ignore-scripts --omit=dev

FROM node:${NODE_VERSION}-trixie-slim AS node

FROM ${BASE_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="oci-work-request-gateway" \
  org.opencontainers.image.description="One GraphQL graph over the work-request APIs of Oracle Cloud Infrastructure" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"
COPY --from=node /usr/local/bin/node /usr/local/bin/node
# Owned by root: who runs it cannot change it.
COPY --from=build /src/dist /app
WORKDIR /app
# Callers come from outside the container; without AUTH=jwt it refuses to start, unless AUTH_ALLOW_ANONYMOUS=true.
# Oracle's library looks for a home, and ~/.oci/config may be mounted there. NODE_OPTIONS is the operator's.
ENV HOST=0.0.0.0 PORT=4000 HOME=/home/nonroot NODE_ENV=production
USER 65532:65532
EXPOSE 4000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
  CMD ["/usr/local/bin/node", "-e", "require('node:http').get({ host: '127.0.0.1', port: process.env.PORT, path: '/healthz' }, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))"]
ENTRYPOINT ["/usr/local/bin/node", "/app/server.js"]
