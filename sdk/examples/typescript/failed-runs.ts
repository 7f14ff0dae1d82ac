/** List what failed, and how many calls are left. */
import { Levqor } from "@levqor/sdk";

const levqor = new Levqor(); // LEVQOR_API_KEY and LEVQOR_URL
for await (const run of levqor.runs.iterateRuns({ state: "failed" })) {
  console.log(run.id, run.workflow.slug, run.error?.message ?? "");
}
const usage = await levqor.usage.getUsage();
console.log(usage.callsRemaining, "calls left");
