# The course in JupyterLab, at the address with 127.0.0.1 that it prints:
#     docker build -t common-noise . && docker run --rm -p 8888:8888 common-noise
FROM python:3.11-slim

RUN useradd --create-home learner && install --directory --owner=learner /home/learner/course
USER learner
WORKDIR /home/learner/course
ENV PIP_NO_CACHE_DIR=1

COPY --chown=learner . .
# .venv, the learner's copies of the notebooks, and MNIST where data/ has not got it
RUN python course.py lab --version && .venv/bin/python -c "from advlib import data; data.load('mnist')"

EXPOSE 8888
# course.py lab listens inside the container alone; the token stays.
CMD [".venv/bin/python", "-m", "jupyterlab", "--ip=0.0.0.0", "--no-browser", \
     "--LabApp.app_settings_dir=.venv/lab/copies", "--LabApp.default_url=/lab/tree/00_start_here.ipynb", "_student"]
