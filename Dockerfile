# syntax=docker/dockerfile:1
# One image for every process of tasktracker/devstack/processes.py; compose.yml says which one it runs.
#   docker build .                                   the default: embeddings on the CPU, no download
#   docker build --build-arg REQUIREMENTS=torch .    with sentence-transformers

ARG PYTHON=3.11-slim-bookworm

# 1. What the product needs, in a layer that only changes with the pinned list.
FROM python:${PYTHON} AS deps
ARG UV_VERSION=0.13.8
ARG REQUIREMENTS=base
RUN pip install --no-cache-dir --disable-pip-version-check uv==${UV_VERSION}
COPY requirements/${REQUIREMENTS}.txt /requirements.txt
RUN --mount=type=cache,target=/root/.cache/uv \
    uv venv /opt/venv \
    && UV_LINK_MODE=copy uv pip install --python /opt/venv/bin/python --compile-bytecode \
        --requirement /requirements.txt

# 2. The code, and the static files with hashes in their names.
FROM deps AS app
WORKDIR /app
COPY manage.py ./
COPY tasktracker tasktracker
COPY apps apps
COPY templates templates
COPY locale locale
COPY data data
COPY deploy deploy
# collectstatic asks for settings that it does not use; nothing of these stays in the image.
RUN SECRET_KEY=build ALLOWED_HOSTS= FIELD_ENCRYPTION_KEYS= STATIC_ROOT=/app/staticfiles \
    DATA_DIR=/tmp/data DJANGO_SETTINGS_MODULE=tasktracker.settings.production \
    /opt/venv/bin/python manage.py collectstatic --no-input --verbosity 0 \
    && /opt/venv/bin/python -m compileall -q apps tasktracker

# 3. What runs: no installer, no root, nothing to write to but /data and /tmp.
FROM python:${PYTHON} AS production
RUN groupadd --gid 10001 tasktracker \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin tasktracker \
    && install --directory --owner 10001 --group 10001 --mode 0700 /data \
    && pip uninstall --yes --quiet --root-user-action ignore pip setuptools wheel
COPY --from=deps /opt/venv /opt/venv
COPY --from=app /app /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    OMP_NUM_THREADS=2 \
    OMP_WAIT_POLICY=passive \
    OPENBLAS_NUM_THREADS=1 \
    DJANGO_SETTINGS_MODULE=tasktracker.settings.production \
    DATA_DIR=/data \
    STATIC_ROOT=/app/staticfiles \
    GRANIAN_HOST=0.0.0.0 \
    GRANIAN_PORT=8000
WORKDIR /app
USER 10001:10001
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
    CMD ["python", "deploy/healthcheck.py", "web"]
CMD ["granian", "tasktracker.asgi:application", "--interface", "asginl", "--workers", "1", \
     "--no-access-log", "--respawn-failed-workers", "--workers-kill-timeout", "8"]
