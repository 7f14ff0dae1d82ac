from levqor_sdk import Levqor

levqor = Levqor()
usage = levqor.usage.get_usage()
print(usage.calls_remaining, "calls left until", usage.reset_date)
