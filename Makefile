.PHONY: protos
protos: ## Generate libs/protos from protos/
	.venv/bin/python tools/gen_protos.py
