// Validates objects of Kubernetes against the JSON schemas of one of its versions, as the npm package kubernetes-models has them.
//
//   node validate.mjs KUBERNETES_MODELS_FOLDER < OBJECTS.json
//
// A schema says nothing of fields that it does not have. So each object notes what was asked for: all else is such a field.
import { existsSync, readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [folder] = process.argv.slice(2);

function camel(text) {
  return text.split(/[.-]/).map((part) => part[0].toUpperCase() + part.slice(1)).join("");
}

// apps/v1, Deployment: io.k8s.api.apps.v1.Deployment
function nameOf({ apiVersion, kind }) {
  const [version, group] = apiVersion.split("/").reverse();
  return `IoK8sApi${camel((group ?? "core").replace(/\.k8s\.io$/, ""))}${camel(version)}${kind}`;
}

function schemaOf(object) {
  const stem = `${folder}/_schemas/${nameOf(object)}`;
  return existsSync(`${stem}.mjs`) ? `${stem}.mjs` : `${stem}.js`;
}

function observed(value, path, unread) {
  if (value === null || typeof value !== "object") return value;
  const copy = Array.isArray(value) ? [] : {};
  for (const [key, inner] of Object.entries(value)) {
    const where = `${path}/${key}`;
    unread.add(where);
    copy[key] = observed(inner, where, unread);
  }
  return new Proxy(copy, {
    get(target, key) {
      unread.delete(`${path}/${String(key)}`);
      return target[key];
    },
  });
}

let bad = 0;
let read = 0;
for (const object of JSON.parse(readFileSync(0, "utf8"))) {
  const { validate } = await import(pathToFileURL(schemaOf(object)));
  const unread = new Set();
  const complaints = validate(observed(object, "", unread)) ? [] : validate.errors.map((e) => `${e.instancePath} ${e.keyword} ${JSON.stringify(e.params)}`);
  for (const path of unread) complaints.push(`${path} is no field of it`);
  read += 1;
  for (const complaint of complaints) {
    bad += 1;
    console.log(`${object.kind} ${object.metadata.name}: ${complaint}`);
  }
}
console.log(`${read} read, ${bad} bad`);
process.exit(read && !bad ? 0 : 1);
