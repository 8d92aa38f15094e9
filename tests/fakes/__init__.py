"""Fakes of the ports; tests/contract shows that the fake supervisord behaves as the real one."""
