# Two stages: the first installs, the second runs. Dependencies have their own layer before the code, so that
# code changes rebuild in seconds. The same image runs the bot and, with `--build-arg EXTRAS="postgresql ray"`,
# the nodes of a Ray cluster.

FROM python:3.11-slim AS build
# Without a GPU, a CPU build of PyTorch saves gigabytes: pass an index that has one with
# --build-arg PIP_EXTRA_INDEX_URL=... (pip reads the variable itself).
ARG PIP_EXTRA_INDEX_URL=""
# The extras of pyproject.toml that are installed, with spaces between them.
ARG EXTRAS="postgresql"
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /venv
ENV PATH=/venv/bin:$PATH
WORKDIR /build
COPY pyproject.toml ./
RUN python -c "import os, tomllib; project = tomllib.load(open('pyproject.toml', 'rb'))['project']; \
        extras = [project['optional-dependencies'][name] for name in os.environ['EXTRAS'].split()]; \
        print('\n'.join(sum(extras, project['dependencies'])))" \
        > requirements.txt \
    && pip install --requirement requirements.txt

FROM python:3.11-slim
# torch's CPU kernels need OpenMP, which slim images lack. FriBidi and the fonts (60 MB) are for pictures of tokens:
# right-to-left text, emoji, and scripts that matplotlib's own font does not cover. KubeRay's probes use wget.
RUN apt-get update && apt-get install --yes --no-install-recommends \
        libgomp1 wget libfribidi0 fonts-noto-core fonts-noto-color-emoji fonts-droid-fallback \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 tokenwise \
    && install --directory --owner tokenwise --group tokenwise /data
COPY --from=build /venv /venv
WORKDIR /app
COPY config.toml ./
COPY sandbox sandbox
COPY texts texts
COPY demo demo
COPY models models
COPY cogs cogs
COPY bot bot
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HF_HOME=/data/huggingface \
    MPLCONFIGDIR=/tmp/matplotlib \
    TOKENWISE_DATA_DIR=/data \
    TOKENWISE_HEALTH__ENABLED=true
USER tokenwise
VOLUME /data
# Live, not ready: a restart does not help if a model is missing or Discord is unavailable.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python", "-m", "bot", "health", "--live"]
# Exec form: the bot is process 1 and receives SIGTERM from `docker stop`.
ENTRYPOINT ["python", "-m", "bot"]
CMD ["run"]
