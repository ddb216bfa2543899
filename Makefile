# Every command that a person types. Each works on a fresh clone: it sets up what it needs.
# The work is done by the command `study`; this file only makes sure that it is there.

STUDY := .venv/bin/study
RUN := .venv/bin/python -m
INSTALLED := .venv/.installed
FLINK_INSTALLED := .venv/.installed-flink
ALL_INSTALLED := .venv/.installed-all
# One more than the two processors that a machine has at least: a third of the tests wait for
# services, kernels and browsers, and two workers leave up to half of the processors idle.
WORKERS ?= 3
GRADING_SAID := .study/tests/grading.txt
FAST := tests/engine tests/features tests/processor tests/simulator tests/test_config.py tests/test_events.py flink_jobs
# Flink's Python packages alone take seconds to import, in each process.
FLINKS := flink_jobs/job/* flink_jobs/datastream/* flink_jobs/runtime/environment.py flink_jobs/runtime/worker_boot.py feature_job.py
QUICK := not services and not jvm and not browser and not slow

# seed: how many records, how many a second (else full speed), which stream, into which file.
SEED_OPTIONS = $(if $(EVENTS),--events $(EVENTS)) $(if $(RATE),--rate $(RATE)) \
	$(if $(SEED),--seed $(SEED)) $(if $(TO),--to $(TO))

# grade: the submissions of a lab; without a word, those of the example class.
GRADED = $(if $(LAB)$(SUBMISSIONS),$(SUBMISSIONS) $(if $(LAB),--lab $(LAB)),--example) \
	$(if $(OUT),--out $(OUT))

# Some images of containers set it. Then every start of Python compiles all that it imports again:
# a worker of Flink takes 4.4 s of a processor to start instead of 1.8, and there are hundreds.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help lab check up down seed run-features run-flink demo status doctor clean-data test \
	test-features lint grade notebooks bench chaos site
.PHONY: test-rest test-grading # the halves of test, which nobody types

help: ## Show this list
	@awk -F ':.*## ' '/^#: / {printf "\n%s\n", substr($$0, 4)} \
		/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

$(INSTALLED): requirements.lock pyproject.toml scripts/install.sh
	@scripts/install.sh $(PYTHON)

$(FLINK_INSTALLED): $(INSTALLED)
	@scripts/install.sh --flink

$(ALL_INSTALLED): $(INSTALLED)
	@scripts/install.sh --all

# An environment knows its own place: in a folder that was moved it is built anew.
ifneq ($(shell cat $(INSTALLED) 2>/dev/null),$(CURDIR))
.PHONY: $(INSTALLED)
endif

#: A learner

lab: $(INSTALLED) ## Start the services and open JupyterLab on the study guide
	@$(STUDY) lab $(if $(LAB_PORT),--port $(LAB_PORT))

check: $(INSTALLED) ## Check every lab that you have started, or one: LAB=03
	@$(STUDY) check $(LAB)

doctor: $(INSTALLED) ## Look for what could keep the lab from working
	@$(STUDY) doctor

status: $(INSTALLED) ## Show what runs, and where
	@$(STUDY) status

demo: $(INSTALLED) ## Watch a minute of live traffic become features; leaves nothing behind
	@$(STUDY) demo

up: $(INSTALLED) ## Start Kafka and Redis; FLINK=1 starts a Flink cluster, too
	@$(STUDY) up $(if $(FLINK)$(CLUSTER),--flink)

down: $(INSTALLED) ## Stop what make up started; topics and keys stay
	@$(STUDY) down

clean-data: $(INSTALLED) ## Stop the services and delete every topic, offset and key; YES=1 asks nothing
	@$(STUDY) clean-data $(if $(YES),--yes)

#: An instructor

grade: $(INSTALLED) ## Grade the example class, or yours: LAB=lab01 SUBMISSIONS=folder OUT=folder
	@$(STUDY) grade $(GRADED)

#: An engineer

seed: $(if $(TO),$(INSTALLED),up) ## Send simulated events to Kafka: EVENTS= RATE= SEED= TO=file
	@$(STUDY) seed $(SEED_OPTIONS)

run-features: up ## Compute features from what Kafka has, then end; FOLLOW=1 goes on
	@services=$$($(STUDY) env) && export $$services && \
	$(RUN) flink_jobs.stream_processor $(if $(FOLLOW),,--until-caught-up)

run-flink: $(FLINK_INSTALLED) up ## Compute the same features with Flink: CLUSTER=1 BOUNDED=1 FROM=savepoint
	@services=$$($(STUDY) env --flink) && export $$services && \
	$(RUN) flink_jobs.feature_job --state $(or $(STUDY_HOME),.study)/data/flink \
		$(if $(BOUNDED),--bounded) $(if $(FROM),--from $(FROM)) \
		$(if $(CLUSTER),--cluster $$FLINK_CLUSTER)

test-features: $(ALL_INSTALLED) ## Test the engine and the features: no services, about a minute
	@$(RUN) pytest -q -n $(WORKERS) --dist loadfile --doctest-modules -m "$(QUICK)" $(FAST) \
		$(FLINKS:%=--ignore-glob='*/%')

test: lint ## Test everything: style, types, engine, services, Flink, browser, grading
# Two runs side by side, for Ctrl-C to reach both; each goes on where the other has failed. Both are
# on a leash, whose holder takes the place of the shell: so it learns of the end of this make.
	@exec .venv/bin/python -m studykit.services.supervision.on_leash sh -c '\
	$(MAKE) --no-print-directory --keep-going --jobs=2 test-rest test-grading; status=$$?; \
	cat $(GRADING_SAID); exit $$status'

test-rest: | $(ALL_INSTALLED)
	@$(RUN) pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder \
		--doctest-modules --doctest-glob=StudyDoc.md --ignore=tests/grading \
		tests flink_jobs studykit StudyDoc.md

# In a process of its own, for graders are forked from it, and would begin with the half gigabyte
# that the modules of all other tests take. What it says comes after the other run's words.
test-grading: | $(ALL_INSTALLED)
	@mkdir -p $(dir $(GRADING_SAID)) && $(RUN) pytest tests/grading > $(GRADING_SAID) 2>&1

lint: $(ALL_INSTALLED) ## Check style, types and the direction of imports
	@$(RUN) ruff check
	@$(RUN) ruff format --check
	@$(RUN) mypy
	@.venv/bin/lint-imports

bench: $(ALL_INSTALLED) ## Measure speed side by side: ONLY="flink labs"; PEERS=1 other engines; BEFORE=DIR
	@$(RUN) benchmarks $(ONLY)

chaos: $(ALL_INSTALLED) ## Odd records, then kills, and changes of the log, under the Flink job: ROUNDS= SEED= FUZZ=
	@$(RUN) tests.parity.rounds $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SEED),--seed $(SEED)) \
		$(if $(FUZZ),--fuzz $(FUZZ))

#: An author of lessons and labs

notebooks: $(ALL_INSTALLED) ## Build the lessons, labs and solutions from their sources
	@$(STUDY) course build

site: $(ALL_INSTALLED) ## Build lessons and labs as a static site that needs no server: OUT=folder, else site
	@$(RUN) studykit.site --out $(or $(OUT),site)
