// Print the licence of every package that ends up in the bundle, in the order of its name.
import { readFileSync, readdirSync, existsSync } from "node:fs";
import { join } from "node:path";

const lock = JSON.parse(readFileSync("package-lock.json", "utf8"));
const bundled = Object.entries(lock.packages).filter(([path, entry]) => path && !entry.dev);

console.log("vendor.js contains the following packages, each under its own licence.");
for (const [path] of bundled.sort(([a], [b]) => a.localeCompare(b))) {
  if (!existsSync(join(path, "package.json"))) continue; // optional, not installed
  const about = JSON.parse(readFileSync(join(path, "package.json"), "utf8"));
  const files = readdirSync(path).filter((name) => /^(licen[cs]e|copying|notice)/i.test(name)).sort();
  const texts = files.map((name) => readFileSync(join(path, name), "utf8").trim());
  console.log(`\n${"=".repeat(79)}\n${about.name} ${about.version} (${about.license})\n\n${texts.join("\n\n") || "No licence file in the package."}`);
}
