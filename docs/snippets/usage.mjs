import { Levqor } from "@levqor/sdk";

const levqor = new Levqor();
const usage = await levqor.usage.getUsage();
console.log(usage.callsRemaining, "calls left until", usage.resetDate);
