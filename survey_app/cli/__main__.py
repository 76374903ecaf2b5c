"""`python -m survey_app.cli` is the command `sandu`."""

from survey_app.cli.app import main

if __name__ == "__main__":
    main()
