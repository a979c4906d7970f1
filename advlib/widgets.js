/* The sliders and quizzes of widgets.py: one script for JupyterLab and for the pages.

A model is a widget's there, and here what page() makes of a widget's state: get, set, save_changes, on. */
var advlib = (() => {
  function make(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  // a control: its element, and what puts it at a place
  function slider(name, labels, move) {
    const input = make("input", { type: "range", min: 0, max: labels.length - 1 });
    const value = make("span", { "aria-hidden": true });  // it is spoken as the slider's value text
    input.addEventListener("input", () => move(Number(input.value)));
    const put = place => {
      input.value = place;
      value.textContent = labels[place];
      input.setAttribute("aria-valuetext", labels[place]);
    };
    return [make("label", { class: "advlib-control" }, make("span", {}, name), input, value), put];
  }

  function words(name, labels, move) {
    const group = `advlib-${Math.random()}`;
    const inputs = labels.map((_, place) => {
      const input = make("input", { type: "radio", name: group });
      input.addEventListener("change", () => move(place));
      return input;
    });
    const choices = inputs.map((input, place) => make("label", {}, input, labels[place]));
    const put = place => { inputs[place].checked = true; };
    return [make("fieldset", { class: "advlib-control" }, make("legend", {}, name), ...choices), put];
  }

  function explorer(model, el) {
    const sheets = model.get("sheets"), frames = model.get("frames");
    const controls = model.get("controls").map(([name, labels, wordy]) => {
      const move = place => model.set("position", { ...model.get("position"), [name]: place });
      return [name, ...(wordy ? words : slider)(name.replaceAll("_", " "), labels, move)];
    });
    const again = make("button", { type: "button" }, "start again");
    again.addEventListener("click", () => model.set("position", model.get("start")));
    const picture = make("img", {}), caption = make("figcaption", {});
    const said = make("p", { role: "status" });  // the caption, spoken once, when the slider rests
    const data = bytes => `data:image/webp;base64,${bytes}`;

    function show() {
      const position = model.get("position");
      for (const [name, , put] of controls) put(position[name]);
      const [sheet, change, width, height, text] = frames[controls.map(([name]) => position[name]).join()];
      picture.src = data(change);  // what differs from the sheet; elsewhere the sheet shows through
      picture.style.background = `url("${data(sheets[sheet])}") 0 0 / 100% 100%`;
      picture.style.width = `${width}px`;
      picture.style.aspectRatio = width / height;
      picture.alt = model.get("alt");
      caption.textContent = text;
    }
    let rest;
    model.on("change:position", () => {
      show();
      clearTimeout(rest);
      said.textContent = "";
      rest = setTimeout(() => {
        said.textContent = caption.textContent;
        model.save_changes();  // Python hears of it when the slider rests
        rest = setTimeout(() => { said.textContent = ""; }, 3000);  // or it would be read again below the caption
      }, 400);
    });
    el.append(...controls.map(([, element]) => element), again, make("figure", {}, picture, caption), said);
    show();
  }

  function quiz(model, el) {
    const said = make("p", { role: "status" });
    const buttons = model.get("replies").map(([option, reply]) => {
      const button = make("button", { type: "button" }, option);
      button.addEventListener("click", () => { model.set("chosen", option); model.save_changes(); });
      const show = () => {
        const chosen = model.get("chosen") === option;
        button.setAttribute("aria-pressed", chosen);
        if (chosen) said.textContent = reply;
      };
      model.on("change:chosen", show);
      show();
      return button;
    });
    el.append(make("fieldset", {}, make("legend", {}, model.get("question")), ...buttons), said);
  }

  const kinds = { explorer, quiz };

  function render({ model, el }) {
    const kind = model.get("kind"), twin = model.get("twin");
    el.classList.add(`advlib-${kind}`);
    // in JupyterLab plain keys are commands, on slides they turn the page: in here they belong to the controls
    el.addEventListener("keydown", event => event.ctrlKey || event.metaKey || event.stopPropagation());
    if (twin) el.append(make("style", {}, `[data-twin="${twin}"] { display: none }`));  // this one lives
    kinds[kind](model, el);
  }

  // into the element above the script that calls it
  function page(state) {
    const heard = [];
    const model = {
      get: name => state[name],
      set: (name, value) => { state[name] = value; for (const act of heard) act(); },
      on: (_, act) => heard.push(act),
      save_changes: () => {},
    };
    const el = document.currentScript.previousElementSibling;
    el.replaceChildren();  // the still picture
    render({ model, el });
  }

  return { render, page };
})();
