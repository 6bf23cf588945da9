// The 3D view of a report. Reads the scene from the page, fetches nothing, writes nothing.
// Patient axes throughout: x Left, y Posterior, z Superior, millimetres.
(() => {
  "use strict";
  const T = window.IsocentraThree;
  // The head is always up; above and below the eye stands a hair off the axis, so that the face
  // is up there.
  const VIEWS = [
    { name: "Anterior", key: "1", eye: [0, -1, 0] },
    { name: "Posterior", key: "2", eye: [0, 1, 0] },
    { name: "Left", key: "3", eye: [1, 0, 0] },
    { name: "Right", key: "4", eye: [-1, 0, 0] },
    { name: "Superior", key: "5", eye: [0, 0.001, 1] },
    { name: "Inferior", key: "6", eye: [0, -0.001, -1] },
  ];
  const TURN_DEG = 7.5;
  const BAR_LENGTHS_MM = [1, 2, 5, 10, 20, 50, 100, 200, 500];

  function decoded(text, Kind) {
    const raw = atob(text);
    const bytes = new Uint8Array(raw.length);
    for (let n = 0; n < raw.length; n += 1) bytes[n] = raw.charCodeAt(n);
    return new Kind(bytes.buffer);
  }

  function element(tag, properties, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  }

  function geometryOf(part) {
    const codes = decoded(part.positions, Uint16Array);
    const points = new Float32Array(codes.length);
    for (let n = 0; n < codes.length; n += 1) {
      points[n] = part.low[n % 3] + (codes[n] / 65535) * part.span[n % 3];
    }
    const geometry = new T.BufferGeometry();
    geometry.setAttribute("position", new T.BufferAttribute(points, 3));
    geometry.setIndex(new T.BufferAttribute(decoded(part.triangles, Uint32Array), 1));
    geometry.computeVertexNormals();
    return geometry;
  }

  function linear(byte) {
    const c = byte / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  }

  function coloursOf(map) {
    const table = decoded(map.table, Uint8Array);
    const codes = decoded(map.codes, Uint16Array);
    const steps = table.length / 3 - 1;
    const out = new Float32Array(codes.length * 3);
    for (let n = 0; n < codes.length; n += 1) {
      const at = Math.round((codes[n] / 65534) * steps) * 3;
      for (let c = 0; c < 3; c += 1) {
        out[3 * n + c] = linear(codes[n] === 65535 ? map.missing[c] : table[at + c]);
      }
    }
    return { colours: new T.BufferAttribute(out, 3), codes };
  }

  function build(part) {
    const material = new T.MeshLambertMaterial({ side: T.DoubleSide });
    material.color.setRGB(...part.colour, "srgb");
    const mesh = new T.Mesh(geometryOf(part), material);
    const shown = {
      part, mesh, material, map: null,
      maps: part.maps.map((map) => ({ map, ...coloursOf(map) })),
    };
    fade(shown, part.opacity);
    return shown;
  }

  function fade(shown, opacity) {
    const clear = opacity < 1;
    if (shown.material.transparent !== clear) shown.material.needsUpdate = true;
    shown.material.transparent = clear;
    shown.material.depthWrite = !clear;
    shown.material.opacity = opacity;
    shown.mesh.renderOrder = clear ? 1 : 0;
  }

  function colourBy(shown, number) {
    const chosen = number < 0 ? null : shown.maps[number];
    shown.map = chosen;
    shown.material.vertexColors = chosen !== null;
    if (chosen) {
      shown.mesh.geometry.setAttribute("color", chosen.colours);
      shown.material.color.setRGB(1, 1, 1);
    } else {
      shown.material.color.setRGB(...shown.part.colour, "srgb");
    }
    shown.material.needsUpdate = true;
  }

  function letters(direction) {
    const names = ["RL", "AP", "IS"];
    const order = [0, 1, 2].sort((a, b) => Math.abs(direction[b]) - Math.abs(direction[a]));
    const letter = (axis) => names[axis][direction[axis] > 0 ? 1 : 0];
    return letter(order[0]) + (Math.abs(direction[order[1]]) > 0.35 ? letter(order[1]) : "");
  }

  function start(root) {
    const data = JSON.parse(root.querySelector("script[type='application/json']").textContent);
    const stage = root.querySelector(".stage");
    const canvas = root.querySelector("canvas");
    const renderer = new T.WebGLRenderer({ canvas, antialias: true, preserveDrawingBuffer: true });
    renderer.setClearColor(0xf7f9fb, 1);
    const scene = new T.Scene();
    const camera = new T.OrthographicCamera(-1, 1, 1, -1, -5000, 5000);
    camera.up.set(0, 0, 1);  // before the controls: they turn about it
    const light = new T.DirectionalLight(0xffffff, 2.1);
    scene.add(new T.AmbientLight(0xffffff, 1.1), light, light.target);
    const parts = data.parts.map(build);
    parts.forEach((shown) => scene.add(shown.mesh));
    const centre = new T.Vector3(...data.centre);
    const controls = new T.OrbitControls(camera, canvas);
    controls.enableDamping = false;
    let pending = false;

    function draw() {
      pending = false;
      const right = new T.Vector3().setFromMatrixColumn(camera.matrixWorld, 0);
      const up = new T.Vector3().setFromMatrixColumn(camera.matrixWorld, 1);
      const toward = new T.Vector3().setFromMatrixColumn(camera.matrixWorld, 2);
      light.target.position.copy(centre);
      light.position.copy(centre).addScaledVector(right, -0.42)
        .addScaledVector(up, 0.55).addScaledVector(toward, 0.9);
      renderer.render(scene, camera);
      const sides = { right, up, left: right.clone().negate(), down: up.clone().negate() };
      for (const [side, direction] of Object.entries(sides)) {
        stage.querySelector(`.letter.${side}`).textContent = letters(direction.toArray());
      }
      const perPixel = (2 * data.radius) / camera.zoom / stage.clientHeight;
      const most = 0.35 * stage.clientWidth * perPixel;
      const length = BAR_LENGTHS_MM.filter((l) => l <= most).pop() ?? BAR_LENGTHS_MM[0];
      const bar = stage.querySelector(".bar");
      bar.style.width = `${length / perPixel}px`;
      bar.textContent = `${length} mm`;
    }

    function later() {
      if (!pending) {
        pending = true;
        requestAnimationFrame(draw);
      }
    }

    function fit() {
      const { clientWidth: width, clientHeight: height } = stage;
      const half = data.radius * (width / height);
      Object.assign(camera, { left: -half, right: half, top: data.radius, bottom: -data.radius });
      camera.updateProjectionMatrix();
      renderer.setPixelRatio(Math.min(window.devicePixelRatio, 2));
      renderer.setSize(width, height, false);
      later();
    }

    function look(view) {
      camera.position.copy(centre).addScaledVector(new T.Vector3(...view.eye), 1000);
      controls.target.copy(centre);
      camera.lookAt(centre);
      camera.updateMatrixWorld();
      later();
    }

    function turn(across, over) {
      const offset = camera.position.clone().sub(controls.target);
      const right = new T.Vector3().setFromMatrixColumn(camera.matrixWorld, 0);
      const angle = (TURN_DEG * Math.PI) / 180;
      offset.applyAxisAngle(camera.up, across * angle);
      const raised = offset.clone().applyAxisAngle(right, over * angle);
      if (Math.abs(raised.clone().normalize().dot(camera.up)) < 0.999) offset.copy(raised);
      camera.position.copy(controls.target).add(offset);
      camera.lookAt(controls.target);
      camera.updateMatrixWorld();
      later();
    }

    function zoom(factor) {
      camera.zoom = Math.min(20, Math.max(0.2, camera.zoom * factor));
      camera.updateProjectionMatrix();
      later();
    }

    function keys(event) {
      const step = {
        ArrowLeft: () => turn(-1, 0), ArrowRight: () => turn(1, 0),
        ArrowUp: () => turn(0, -1), ArrowDown: () => turn(0, 1),
        "+": () => zoom(1.15), "=": () => zoom(1.15), "-": () => zoom(1 / 1.15),
      }[event.key];
      const view = VIEWS.find((each) => each.key === event.key);
      if (step) step();
      else if (view) look(view);
      else return;
      event.preventDefault();
    }

    controls.addEventListener("change", later);
    canvas.addEventListener("keydown", keys);
    canvas.addEventListener("click", (event) => {
      read(event, { canvas, camera, parts, out: root.querySelector(".reading") });
    });
    new ResizeObserver(fit).observe(stage);
    panel(root.querySelector(".controls"), { parts, look, later });
    fit();
    look(VIEWS[0]);
    draw();
  }

  function read(event, { canvas, camera, parts, out }) {
    const box = canvas.getBoundingClientRect();
    const at = new T.Vector2(
      ((event.clientX - box.left) / box.width) * 2 - 1,
      1 - ((event.clientY - box.top) / box.height) * 2,
    );
    const ray = new T.Raycaster();
    ray.setFromCamera(at, camera);
    const solid = parts.filter((shown) => shown.mesh.visible && shown.material.opacity > 0);
    const hit = ray.intersectObjects(solid.map((shown) => shown.mesh), false)[0];
    if (!hit) {
      out.textContent = "";
      return;
    }
    const shown = solid.find((each) => each.mesh === hit.object);
    const place = hit.point.toArray().map((v) => v.toFixed(1)).join(", ");
    let text = `${shown.part.name} at (${place}) mm`;
    if (shown.map) {
      const { map, codes } = shown.map;
      const code = codes[hit.face.a];
      const value = map.low + (code / 65534) * (map.high - map.low);
      text += `: ${map.label.toLowerCase()} ${code === 65535 ? "–" : `${value.toFixed(2)} ${map.unit}`}`;
    }
    out.textContent = text;
  }

  function panel(controls, { parts, look, later }) {
    const views = element("div", { className: "views" });
    views.setAttribute("role", "group");
    views.setAttribute("aria-label", "Standard views");
    for (const view of VIEWS) {
      const button = element("button", { type: "button", textContent: view.name });
      button.title = `Key ${view.key}`;
      button.addEventListener("click", () => look(view));
      views.append(button);
    }
    controls.append(views);
    for (const shown of parts) controls.append(partControls(shown, later));
  }

  function partControls(shown, later) {
    const row = element("div", { className: "part" });
    const box = element("input", { type: "checkbox", checked: true });
    box.addEventListener("change", () => {
      shown.mesh.visible = box.checked;
      later();
    });
    row.append(element("label", {}, box, ` ${shown.part.name}`));
    const slider = element("input", {
      type: "range", min: "0", max: "1", step: "0.05", value: String(shown.part.opacity),
    });
    slider.addEventListener("input", () => {
      fade(shown, Number(slider.value));
      later();
    });
    row.append(element("label", {}, "Opacity ", slider));
    if (shown.maps.length > 0) {
      const select = element("select", {}, element("option", { value: "-1", textContent: "plain" }));
      shown.maps.forEach(({ map }, number) => {
        select.append(element("option", { value: String(number), textContent: map.label }));
      });
      const legend = element("span", { className: "scale" });
      legend.hidden = true;
      select.addEventListener("change", () => {
        colourBy(shown, Number(select.value));
        explain(legend, shown.map);
        later();
      });
      row.append(element("label", {}, "Colour ", select), legend);
    }
    return row;
  }

  function explain(legend, chosen) {
    legend.hidden = chosen === null;
    legend.replaceChildren();
    if (!chosen) return;
    const { map } = chosen;
    const table = decoded(map.table, Uint8Array);
    const ramp = element("canvas", { width: table.length / 3, height: 1 });
    const context = ramp.getContext("2d");
    for (let n = 0; n < table.length / 3; n += 1) {
      context.fillStyle = `rgb(${table[3 * n]},${table[3 * n + 1]},${table[3 * n + 2]})`;
      context.fillRect(n, 0, 1, 1);
    }
    legend.append(`${map.low} `, ramp, ` ${map.high} ${map.unit}; grey: none`);
  }

  for (const root of document.querySelectorAll(".viewer")) {
    try {
      start(root);
      root.classList.add("ready");
    } catch (error) {
      root.querySelector(".absent").hidden = false;
      root.querySelector(".live").hidden = true;
      if (!/webgl/i.test(String(error))) throw error;
    }
  }
})();
