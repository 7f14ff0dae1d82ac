/** Start a workflow and wait for its run: `node start-and-wait.js WORKFLOW`. */
import { Levqor } from "@levqor/sdk";

const levqor = new Levqor(); // LEVQOR_API_KEY and LEVQOR_URL
const started = await levqor.runs.start(process.argv[2] ?? "");
const run = await levqor.runs.wait(started.id, { timeout: 60 });
console.log(run.id, run.state);
for await (const step of levqor.runs.iterateSteps({ run: run.id })) {
  console.log(" ", step.path, step.state);
}
