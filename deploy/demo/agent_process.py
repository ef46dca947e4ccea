"""The demo's agent: the ordinary `torwart-agent`. `python -m deploy.demo.agent_process run --config agent.yaml`."""

from agent.cli import main

if __name__ == "__main__":
    main()
