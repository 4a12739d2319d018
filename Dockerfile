FROM node:24-bookworm-slim AS build
WORKDIR /postern
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json ./
COPY src src
RUN npx tsc -p . && cp -r src/pages/static dist/pages/ && npm prune --omit=dev --no-audit --no-fund

FROM node:24-bookworm-slim
ENV NODE_ENV=production POSTERN_CONFIG=/etc/postern/postern.yaml
WORKDIR /postern
COPY --from=build /postern/package.json ./
COPY --from=build /postern/node_modules node_modules
COPY --from=build /postern/dist dist
COPY examples/postern.yaml examples/
# Nothing is written but in the folder of `devices`, where that is configured and mounted: run it with --read-only and the configuration
# mounted at /etc/postern.
USER node
EXPOSE 8080
# For plain HTTP on a port that is not set in the file; give --health-cmd where that is different.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["node", "-e", \
  "fetch(`http://127.0.0.1:${process.env.POSTERN_LISTEN__PORT ?? 8080}/.postern/health`).then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Node itself is process 1: Postern answers SIGTERM and SIGHUP.
ENTRYPOINT ["node", "dist/cli.js"]
CMD ["serve"]
