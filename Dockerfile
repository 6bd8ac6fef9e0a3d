# The image of a deployment whose Postgres is elsewhere: small, and not root. Build it with `docker build -t kalends .`;
# `kalends serve` is what it runs, `kalends worker` and `kalends migrate` are there as well.

FROM python:3.11-slim AS build
WORKDIR /build
COPY requirements.runtime.lock .
RUN python -m venv /opt/kalends \
  && /opt/kalends/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.runtime.lock
COPY pyproject.toml README.md CHANGELOG.md schema.sql ./
COPY migrations migrations
COPY docs docs
COPY app app
RUN /opt/kalends/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps . \
  && /opt/kalends/bin/python -m compileall -q /opt/kalends/lib

FROM python:3.11-slim
# pg_dump and pg_restore, for `kalends backup` and `kalends restore`.
RUN apt-get update \
  && apt-get install -y --no-install-recommends postgresql-client \
  && rm -rf /var/lib/apt/lists/* \
  && useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin kalends
COPY --from=build /opt/kalends /opt/kalends
ENV PATH=/opt/kalends/bin:$PATH \
  PYTHONUNBUFFERED=1 \
  KALENDS_HOST=0.0.0.0 \
  KALENDS_PORT=8000
USER 10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=3s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as web; web.urlopen(f'http://127.0.0.1:{os.environ[\"KALENDS_PORT\"]}/health/live', timeout=2)"]
CMD ["kalends", "serve"]
