from jinja2.runtime import LoopContext, Macro, Markup, Namespace, TemplateNotFound, TemplateReference, TemplateRuntimeError, Undefined, escape, identity, internalcode, markup_join, missing, str_join
name = 'survey.html'

def root(context, missing=missing):
    resolve = context.resolve_or_missing
    undefined = environment.undefined
    concat = environment.concat
    cond_expr_undefined = Undefined
    if 0: yield None
    l_0_style_hash = resolve('style_hash')
    l_0_script_hash = resolve('script_hash')
    l_0_page = resolve('page')
    l_0_style = resolve('style')
    l_0_script = resolve('script')
    l_0_parts = missing
    try:
        t_1 = environment.filters['capitalize']
    except KeyError:
        @internalcode
        def t_1(*unused):
            raise TemplateRuntimeError("No filter named 'capitalize' found.")
    try:
        t_2 = environment.filters['count']
    except KeyError:
        @internalcode
        def t_2(*unused):
            raise TemplateRuntimeError("No filter named 'count' found.")
    try:
        t_3 = environment.filters['join']
    except KeyError:
        @internalcode
        def t_3(*unused):
            raise TemplateRuntimeError("No filter named 'join' found.")
    try:
        t_4 = environment.filters['markup']
    except KeyError:
        @internalcode
        def t_4(*unused):
            raise TemplateRuntimeError("No filter named 'markup' found.")
    try:
        t_5 = environment.filters['shorten']
    except KeyError:
        @internalcode
        def t_5(*unused):
            raise TemplateRuntimeError("No filter named 'shorten' found.")
    try:
        t_6 = environment.tests['none']
    except KeyError:
        @internalcode
        def t_6(*unused):
            raise TemplateRuntimeError("No test named 'none' found.")
    pass
    l_0_parts = context.vars['parts'] = environment.get_template('parts.html', 'survey.html')._get_default_module(context)
    context.exported_vars.discard('parts')
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src \''
    yield escape(environment.finalize((undefined(name='style_hash') if l_0_style_hash is missing else l_0_style_hash)))
    yield "'; script-src '"
    yield escape(environment.finalize((undefined(name='script_hash') if l_0_script_hash is missing else l_0_script_hash)))
    yield '\'; img-src data:; base-uri \'none\'; form-action \'none\'">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n<title>'
    yield escape(environment.finalize(environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'title')))
    yield ' – humouse-doctor survey</title>\n<link rel="icon" href="data:,">\n<style>'
    yield escape(environment.finalize((undefined(name='style') if l_0_style is missing else l_0_style)))
    yield '</style>\n</head>\n<body>\n<a class="skip" href="#main">Skip to the survey</a>\n<header class="verdict '
    yield escape(environment.finalize(environment.getattr(environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'badge'), 'style')))
    yield '">\n  <div class="wide">\n    <h1><span class="word">'
    yield escape(environment.finalize(context.call(environment.getattr((undefined(name='parts') if l_0_parts is missing else l_0_parts), 'badge'), environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'badge'))))
    yield '</span> <span class="name">'
    yield escape(environment.finalize(t_5(environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'heading'))))
    yield '</span></h1>\n    <p class="sentence">'
    yield escape(environment.finalize(environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'sentence')))
    yield '</p>\n'
    if environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'notes'):
        pass
        yield '<p class="facts">'
        yield escape(environment.finalize(t_3(context.eval_ctx, environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'notes'), ' · ')))
        yield '</p>'
    yield '  </div>\n</header>\n<main id="main" class="wide" tabindex="-1">\n<div class="answer">\n<section>\n<h2 id="settings">Settings that go with sick runs</h2>\n'
    for l_1_sentence in environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'unclear'):
        _loop_vars = {}
        pass
        yield '<p>'
        yield escape(environment.finalize(l_1_sentence))
        yield '</p>'
    l_1_sentence = missing
    if environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'settings'):
        pass
        yield '<p class="hint">This is '
        yield escape(environment.finalize(environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'association')))
        yield ': settings that were changed together cannot be told apart. The line on a bar is its 95&nbsp;% interval.</p>\n'
        l_1_loop = missing
        for l_1_setting, l_1_loop in LoopContext(environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'settings'), undefined):
            _loop_vars = {}
            pass
            yield '<h3><code>'
            yield escape(environment.finalize(environment.getattr(l_1_setting, 'key')))
            yield '</code></h3>\n<p class="hint">'
            yield escape(environment.finalize(environment.getattr(l_1_setting, 'chance')))
            if environment.getattr(l_1_setting, 'also'):
                pass
                yield '; changed together with '
                l_2_loop = missing
                for l_2_key, l_2_loop in LoopContext(environment.getattr(l_1_setting, 'also'), undefined):
                    _loop_vars = {}
                    pass
                    yield '<code>'
                    yield escape(environment.finalize(l_2_key))
                    yield '</code>'
                    if (not environment.getattr(l_2_loop, 'last')):
                        pass
                        yield ', '
                l_2_loop = l_2_key = missing
            yield '</p>\n<table class="bars">\n<thead class="unseen"><tr><th scope="col">Value</th><th scope="col">Bar</th><th scope="col">Sick runs</th></tr></thead>\n<tbody>\n'
            for l_2_bar in environment.getattr(l_1_setting, 'bars'):
                _loop_vars = {}
                pass
                yield '<tr><th scope="row" class="code">'
                yield escape(environment.finalize(t_5(environment.getattr(l_2_bar, 'value'))))
                yield '</th><td><svg class="share" viewBox="0 0 160 14" aria-hidden="true">'
                yield escape(environment.finalize(t_4(environment.getattr(l_2_bar, 'shapes'))))
                yield '</svg></td><td>'
                yield escape(environment.finalize(environment.getattr(l_2_bar, 'said')))
                yield '</td></tr>\n'
            l_2_bar = missing
            yield '</tbody>\n</table>\n'
        l_1_loop = l_1_setting = missing
        if environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'tree'):
            pass
            yield '<h3>Together</h3>\n<ul class="tree">'
            l_1_loop = missing
            for l_1_branch, l_1_loop in LoopContext(environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'tree'), undefined):
                _loop_vars = {}
                pass
                yield '<li>'
                l_2_loop = missing
                for l_2_condition, l_2_loop in LoopContext(environment.getattr(l_1_branch, 'conditions'), undefined):
                    _loop_vars = {}
                    pass
                    yield '<code>'
                    yield escape(environment.finalize(l_2_condition))
                    yield '</code>'
                    if (not environment.getattr(l_2_loop, 'last')):
                        pass
                        yield ' and '
                l_2_loop = l_2_condition = missing
                yield ': <b>'
                yield escape(environment.finalize(environment.getattr(l_1_branch, 'sick')))
                yield ' of '
                yield escape(environment.finalize(environment.getattr(l_1_branch, 'known')))
                yield '</b> sick</li>'
            l_1_loop = l_1_branch = missing
            yield '</ul>\n'
    yield '</section>\n<section>\n'
    if environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'families'):
        pass
        yield '<h2 id="families">Sick runs by their first cause</h2>\n<ul class="kin">\n'
        l_1_loop = missing
        for l_1_kin, l_1_loop in LoopContext(environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'families'), undefined):
            _loop_vars = {}
            pass
            yield '<li><b>'
            yield escape(environment.finalize(t_2(environment.getattr(l_1_kin, 'runs'), 'run')))
            yield '</b>: '
            yield escape(environment.finalize(environment.getattr(l_1_kin, 'name')))
            if environment.getattr(l_1_kin, 'shared'):
                pass
                yield ', all with '
                l_2_loop = missing
                for (l_2_key, l_2_value), l_2_loop in LoopContext(environment.getattr(l_1_kin, 'shared'), undefined):
                    _loop_vars = {}
                    pass
                    yield '<code>'
                    yield escape(environment.finalize(l_2_key))
                    yield '</code> '
                    yield escape(environment.finalize(t_5(l_2_value)))
                    if (not environment.getattr(l_2_loop, 'last')):
                        pass
                        yield ', '
                l_2_loop = l_2_key = l_2_value = missing
            yield ' <span class="numbers">(such as '
            yield escape(environment.finalize(t_5(environment.getattr(l_1_kin, 'example'))))
            yield ')</span></li>\n'
        l_1_loop = l_1_kin = missing
        yield '</ul>\n'
    if environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'best'):
        pass
        yield '<h2 id="best">Best healthy runs</h2>\n<p class="hint">'
        yield escape(environment.finalize(t_1(environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'best_by'))))
        yield ' ('
        yield escape(environment.finalize(t_3(context.eval_ctx, environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'words'), ', ')))
        yield '): 1.00 times is the data.</p>\n<ol class="best">'
        for (l_1_name, l_1_factor, l_1_settings) in environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'best'):
            _loop_vars = {}
            pass
            yield '<li><b>'
            yield escape(environment.finalize(t_5(l_1_name)))
            yield '</b> '
            yield escape(environment.finalize(l_1_factor))
            if l_1_settings:
                pass
                yield ' <span class="numbers">'
                yield escape(environment.finalize(t_5(l_1_settings)))
                yield '</span>'
            yield '</li>'
        l_1_name = l_1_factor = l_1_settings = missing
        yield '</ol>\n'
    if environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'following'):
        pass
        yield '<h2 id="next">Next</h2>\n'
        l_1_loop = missing
        for l_1_command, l_1_loop in LoopContext(environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'following'), undefined):
            _loop_vars = {}
            pass
            yield '<div class="copied"><div class="bar"><span>Command</span>'
            yield escape(environment.finalize(context.call(environment.getattr((undefined(name='parts') if l_0_parts is missing else l_0_parts), 'copying'), markup_join(('next', environment.getattr(l_1_loop, 'index'), )), 'Copy the command', _loop_vars=_loop_vars)))
            yield '</div><pre tabindex="0" id="next'
            yield escape(environment.finalize(environment.getattr(l_1_loop, 'index')))
            yield '">'
            yield escape(environment.finalize(l_1_command))
            yield '</pre></div>\n'
        l_1_loop = l_1_command = missing
    yield '</section>\n</div>\n<section>\n<h2 id="runs">Runs, the worst first</h2>\n<div class="filters" hidden>\n<label>Filter by any word <input type="search" id="filter" autocomplete="off" spellcheck="false"></label>\n<label>State <select id="state"><option value="">all</option>'
    for (l_1_state, l_1_count) in environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'states'):
        _loop_vars = {}
        pass
        yield '<option value="'
        yield escape(environment.finalize(l_1_state))
        yield '">'
        yield escape(environment.finalize(l_1_state))
        yield ' ('
        yield escape(environment.finalize(l_1_count))
        yield ')</option>'
    l_1_state = l_1_count = missing
    yield '</select></label>\n<p id="shown" role="status"></p>\n</div>\n<p class="hint">A picture has three generated paths from their starts; the largest real path would fill it. Numbers are generated over real.</p>\n<div class="scroll tall" tabindex="0" role="group" aria-label="Runs">\n<table class="runs" id="table">\n<thead><tr><th scope="col">Run</th><th scope="col">Verdict</th><td>Paths</td><th scope="col">First cause</th>'
    for l_1_word in environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'words'):
        _loop_vars = {}
        pass
        yield '<th scope="col" class="num">'
        yield escape(environment.finalize(t_1(l_1_word)))
        yield '</th>'
    l_1_word = missing
    for l_1_key in environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'keys'):
        _loop_vars = {}
        pass
        yield '<th scope="col" class="code">'
        yield escape(environment.finalize(t_5(l_1_key)))
        yield '</th>'
    l_1_key = missing
    yield '</tr></thead>\n<tbody>\n'
    l_1_loop = missing
    for l_1_row, l_1_loop in LoopContext(environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'rows'), undefined):
        _loop_vars = {}
        pass
        yield '<tr data-state="'
        yield escape(environment.finalize(environment.getattr(l_1_row, 'state')))
        yield '"><th scope="row">'
        yield escape(environment.finalize(t_5(environment.getattr(l_1_row, 'name'))))
        yield '</th><td data-sort="'
        yield escape(environment.finalize(environment.getattr(l_1_loop, 'index')))
        yield '">'
        yield escape(environment.finalize(context.call(environment.getattr((undefined(name='parts') if l_0_parts is missing else l_0_parts), 'badge'), environment.getattr(l_1_row, 'badge'), _loop_vars=_loop_vars)))
        yield '</td><td>'
        if environment.getattr(l_1_row, 'picture'):
            pass
            yield '<div class="small"><svg viewBox="0 0 44 44" aria-hidden="true">'
            yield escape(environment.finalize(t_4(environment.getattr(l_1_row, 'picture'))))
            yield '</svg></div>'
        yield '</td><td class="cause">'
        yield escape(environment.finalize((environment.getattr(l_1_row, 'cause') or '-')))
        if environment.getattr(l_1_row, 'said'):
            pass
            yield '<span class="meaning">'
            yield escape(environment.finalize(t_5(environment.getattr(l_1_row, 'said'))))
            yield '</span>'
        yield '</td>'
        for l_2_cell in environment.getattr(l_1_row, 'numbers'):
            _loop_vars = {}
            pass
            yield '<td class="num" data-sort="'
            yield escape(environment.finalize(environment.getattr(l_2_cell, 'sort')))
            yield '">'
            yield escape(environment.finalize(environment.getattr(l_2_cell, 'text')))
            yield '</td>'
        l_2_cell = missing
        for l_2_cell in environment.getattr(l_1_row, 'settings'):
            _loop_vars = {}
            pass
            yield '<td'
            if (not t_6(environment.getattr(l_2_cell, 'sort'))):
                pass
                yield ' data-sort="'
                yield escape(environment.finalize(environment.getattr(l_2_cell, 'sort')))
                yield '"'
            yield '>'
            yield escape(environment.finalize(t_5(environment.getattr(l_2_cell, 'text'))))
            yield '</td>'
        l_2_cell = missing
        yield '</tr>\n'
    l_1_loop = l_1_row = missing
    yield '</tbody>\n</table>\n</div>\n</section>\n</main>\n<footer><div class="wide">\n<p>humouse-doctor '
    yield escape(environment.finalize(environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'tool_version')))
    yield ' · exit code '
    yield escape(environment.finalize(environment.getattr((undefined(name='page') if l_0_page is missing else l_0_page), 'exit_code')))
    yield '</p>\n</div></footer>\n<p id="copy-status" class="unseen" role="status"></p>\n<script>'
    yield escape(environment.finalize((undefined(name='script') if l_0_script is missing else l_0_script)))
    yield '</script>\n</body>\n</html>'

blocks = {}
debug_info = '1=53&6=56&10=60&12=62&16=64&18=66&19=70&20=72&27=78&28=85&29=88&30=91&31=95&32=97&36=113&37=117&42=126&44=130&49=153&52=157&53=161&57=184&59=187&60=191&62=206&64=210&65=214&74=222&80=234&82=250&83=254&91=300&94=304'