from levqor_sdk import Levqor

levqor = Levqor()
me = levqor.account.me()
print(me.user.email, "for", me.organization.name)
