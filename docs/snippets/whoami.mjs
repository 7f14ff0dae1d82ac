import { Levqor } from "@levqor/sdk";

const levqor = new Levqor();
const me = await levqor.account.me();
console.log(me.user.email, "for", me.organization.name);
