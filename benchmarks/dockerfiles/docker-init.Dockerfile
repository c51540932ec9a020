# The way of `docker init`: sources bound, target folder and registry on cache mounts.
FROM rustdocker-bench-rust AS build
WORKDIR /app
RUN --mount=type=bind,source=src,target=src \
    --mount=type=bind,source=templates,target=templates \
    --mount=type=bind,source=Cargo.toml,target=Cargo.toml \
    --mount=type=bind,source=Cargo.lock,target=Cargo.lock \
    --mount=type=cache,target=/app/target \
    --mount=type=cache,target=/usr/local/cargo/registry \
    cargo build --locked --release && cp target/release/my-rust-app /bin/server

FROM rustdocker-bench-runtime
RUN useradd --no-create-home --uid 10001 appuser
USER appuser
COPY --from=build /bin/server /bin/
EXPOSE 8080
CMD ["/bin/server"]
