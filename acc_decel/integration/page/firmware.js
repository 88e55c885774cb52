/* The firmware of each car as WebAssembly: started, tested by itself, and asked. */

const byId = (id) => document.getElementById(id);
const place = (output) => DATA.outputs.findIndex((o) => o.name === output);
const ROLE = Object.fromEntries(Object.entries(DATA.roles).map(([role, output]) => [role, place(output)]));

/* The factors of a car: those of all cars, with the ranges and standards of this one. */
function factorsOf(car) {
  return DATA.factors.map((factor) => ({ ...factor, ...car.factors[factor.name] }));
}

class Firmware {
  constructor(car, wasm) {
    this.name = car.name;
    this.car = car;
    this.wasm = wasm;
    this.factors = factorsOf(car);
    this.columns = this.factors.flatMap((f) => f.columns);
    this.selfTest = wasm.self_test();
    if (wasm.columns() !== this.columns.length || wasm.outputs() !== DATA.outputs.length) {
      throw new Error(`The firmware of ${car.name} must be of this page: make the page again`);
    }
  }

  /* Answers to rows of columns, NaN for what is not available: status, refused, and one value for each output. */
  predict(rows) {
    const answers = [];
    for (let first = 0; first < rows.length; first += this.wasm.rows()) {
      answers.push(...this.predictFew(rows.slice(first, first + this.wasm.rows())));
    }
    return answers;
  }

  predictFew(rows) {
    const { wasm } = this;
    const [width, outputs] = [wasm.columns(), wasm.outputs()];
    const factors = new Float32Array(wasm.memory.buffer, wasm.factors(), rows.length * width);
    rows.forEach((row, i) => factors.set(row, i * width));
    wasm.predict(rows.length);
    const values = new Float32Array(wasm.memory.buffer, wasm.predictions(), rows.length * outputs);
    const statuses = new BigUint64Array(wasm.memory.buffer, wasm.statuses(), rows.length);
    return rows.map((_, i) => {
      const refused = hasBit(statuses[i], DATA.status.refused);
      const own = values.slice(i * outputs, (i + 1) * outputs);
      return { status: statuses[i], refused, values: refused ? own.fill(NaN) : own };
    });
  }

  stoppingDistance(speed, answer, role) {
    return this.wasm.stopping_distance(speed, answer.values[ROLE[role]], answer.values[ROLE.delay]);
  }
}

function hasBit(status, bit) {
  return ((status >> BigInt(bit)) & 1n) === 1n;
}

/* The factors that the status tells of, from the bit `shift` on. */
function toldFactors(factors, status, shift) {
  return factors.filter((_, i) => hasBit(status, shift + i));
}

async function startedFirmware() {
  const modules = DATA.cars.map((_, i) => new Blob(SECTIONS.map((section) => section[i])).arrayBuffer());
  const instances = await Promise.all(modules.map(async (bytes) => WebAssembly.instantiate(await bytes, {})));
  return instances.map(({ instance }, i) => new Firmware(DATA.cars[i], instance.exports));
}
