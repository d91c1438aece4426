"""Metaflow's own configuration, which it reads as it is imported."""

from evoflow.errors import InputError


def require_metaflow() -> None:
    """Import Metaflow before anything else does.

    Raises
    ------
    InputError
        When its configuration cannot be read, such as that of a profile that does not exist.
    """
    try:
        import metaflow  # noqa: F401
    except ImportError:
        raise
    except Exception as error:
        raise InputError(
            f"Metaflow does not start ({type(error).__name__}: {error}); check the environment "
            "variables METAFLOW_PROFILE and METAFLOW_*, and the JSON files in METAFLOW_HOME "
            "(default: ~/.metaflowconfig)"
        ) from error
