"""placeholder until merge"""
def selftest() -> int: return 0
