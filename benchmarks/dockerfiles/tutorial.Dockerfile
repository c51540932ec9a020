# Dependencies first, with a dummy program: the multi-stage build that tutorials teach.
FROM rustdocker-bench-rust AS build
RUN cargo new --bin app --name my-rust-app
WORKDIR /app
COPY Cargo.toml Cargo.lock ./
RUN cargo build --release
RUN rm src/*.rs
COPY templates ./templates
COPY src ./src
RUN cargo build --release

FROM rustdocker-bench-runtime
WORKDIR /app
COPY --from=build /app/target/release/my-rust-app .
EXPOSE 8080
CMD ["./my-rust-app"]
