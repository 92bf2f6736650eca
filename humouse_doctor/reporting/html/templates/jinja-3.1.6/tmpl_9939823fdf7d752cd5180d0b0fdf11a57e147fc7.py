from jinja2.runtime import LoopContext, Macro, Markup, Namespace, TemplateNotFound, TemplateReference, TemplateRuntimeError, Undefined, escape, identity, internalcode, markup_join, missing, str_join
name = 'parts.html'

def root(context, missing=missing):
    resolve = context.resolve_or_missing
    undefined = environment.undefined
    concat = environment.concat
    cond_expr_undefined = Undefined
    if 0: yield None
    l_0_badge = l_0_plot = l_0_pair = l_0_pairs = l_0_code = l_0_head = l_0_copying = l_0_typed = l_0_contents = l_0_body = l_0_probe_head = l_0_range = l_0_trials = l_0_compared = l_0_changed = missing
    try:
        t_1 = environment.filters['breakable']
    except KeyError:
        @internalcode
        def t_1(*unused):
            raise TemplateRuntimeError("No filter named 'breakable' found.")
    try:
        t_2 = environment.filters['capitalize']
    except KeyError:
        @internalcode
        def t_2(*unused):
            raise TemplateRuntimeError("No filter named 'capitalize' found.")
    try:
        t_3 = environment.filters['change']
    except KeyError:
        @internalcode
        def t_3(*unused):
            raise TemplateRuntimeError("No filter named 'change' found.")
    try:
        t_4 = environment.filters['count']
    except KeyError:
        @internalcode
        def t_4(*unused):
            raise TemplateRuntimeError("No filter named 'count' found.")
    try:
        t_5 = environment.filters['int']
    except KeyError:
        @internalcode
        def t_5(*unused):
            raise TemplateRuntimeError("No filter named 'int' found.")
    try:
        t_6 = environment.filters['interval']
    except KeyError:
        @internalcode
        def t_6(*unused):
            raise TemplateRuntimeError("No filter named 'interval' found.")
    try:
        t_7 = environment.filters['join']
    except KeyError:
        @internalcode
        def t_7(*unused):
            raise TemplateRuntimeError("No filter named 'join' found.")
    try:
        t_8 = environment.filters['length']
    except KeyError:
        @internalcode
        def t_8(*unused):
            raise TemplateRuntimeError("No filter named 'length' found.")
    try:
        t_9 = environment.filters['list']
    except KeyError:
        @internalcode
        def t_9(*unused):
            raise TemplateRuntimeError("No filter named 'list' found.")
    try:
        t_10 = environment.filters['lower']
    except KeyError:
        @internalcode
        def t_10(*unused):
            raise TemplateRuntimeError("No filter named 'lower' found.")
    try:
        t_11 = environment.filters['markup']
    except KeyError:
        @internalcode
        def t_11(*unused):
            raise TemplateRuntimeError("No filter named 'markup' found.")
    try:
        t_12 = environment.filters['round']
    except KeyError:
        @internalcode
        def t_12(*unused):
            raise TemplateRuntimeError("No filter named 'round' found.")
    try:
        t_13 = environment.filters['selectattr']
    except KeyError:
        @internalcode
        def t_13(*unused):
            raise TemplateRuntimeError("No filter named 'selectattr' found.")
    try:
        t_14 = environment.filters['shorten']
    except KeyError:
        @internalcode
        def t_14(*unused):
            raise TemplateRuntimeError("No filter named 'shorten' found.")
    try:
        t_15 = environment.filters['spell']
    except KeyError:
        @internalcode
        def t_15(*unused):
            raise TemplateRuntimeError("No filter named 'spell' found.")
    try:
        t_16 = environment.filters['string']
    except KeyError:
        @internalcode
        def t_16(*unused):
            raise TemplateRuntimeError("No filter named 'string' found.")
    pass
    def macro(l_1_badge):
        t_17 = []
        if l_1_badge is missing:
            l_1_badge = undefined("parameter 'badge' was not provided", name='badge')
        pass
        t_17.extend((
            '<span class="badge ',
            escape(environment.finalize(environment.getattr(l_1_badge, 'style'))),
            '">',
        ))
        if environment.getattr(l_1_badge, 'symbol'):
            pass
            t_17.extend((
                '<span class="symbol" aria-hidden="true">',
                escape(environment.finalize(environment.getattr(l_1_badge, 'symbol'))),
                '</span>',
            ))
        t_17.extend((
            escape(environment.finalize(environment.getattr(l_1_badge, 'word'))),
            '</span>',
        ))
        return concat(t_17)
    context.exported_vars.add('badge')
    context.vars['badge'] = l_0_badge = Macro(environment, macro, 'badge', ('badge',), False, False, False, context.eval_ctx.autoescape)
    yield '\n'
    def macro(l_1_plot):
        t_18 = []
        if l_1_plot is missing:
            l_1_plot = undefined("parameter 'plot' was not provided", name='plot')
        pass
        t_18.extend((
            '<figure class="plot">\n<figcaption>',
            escape(environment.finalize(environment.getattr(l_1_plot, 'title'))),
            '</figcaption>\n<svg viewBox="0 0 ',
            escape(environment.finalize(t_5(t_12(environment.getattr(l_1_plot, 'width'))))),
            ' ',
            escape(environment.finalize(t_5(t_12(environment.getattr(l_1_plot, 'height'))))),
            '" role="img" aria-labelledby="',
            escape(environment.finalize(environment.getattr(l_1_plot, 'name'))),
            '-title ',
            escape(environment.finalize(environment.getattr(l_1_plot, 'name'))),
            '-numbers">\n<title id="',
            escape(environment.finalize(environment.getattr(l_1_plot, 'name'))),
            '-title">',
            escape(environment.finalize(environment.getattr(l_1_plot, 'title'))),
            '</title>\n<desc id="',
            escape(environment.finalize(environment.getattr(l_1_plot, 'name'))),
            '-numbers">',
            escape(environment.finalize(environment.getattr(l_1_plot, 'numbers'))),
            '</desc>\n',
            escape(environment.finalize(t_11(environment.getattr(l_1_plot, 'shapes')))),
            '\n</svg>\n',
        ))
        if environment.getattr(l_1_plot, 'legend'):
            pass
            t_18.append(
                '<ul class="legend">\n',
            )
            for l_2_key in environment.getattr(l_1_plot, 'legend'):
                _loop_vars = {}
                pass
                t_18.extend((
                    '<li><svg class="swatch" viewBox="0 0 28 10" aria-hidden="true"><path d="M1 5H27" class="s-',
                    escape(environment.finalize(environment.getattr(l_2_key, 'style'))),
                    '" stroke-width="3"',
                ))
                if environment.getattr(l_2_key, 'dashes'):
                    pass
                    t_18.extend((
                        ' stroke-dasharray="',
                        escape(environment.finalize(environment.getattr(l_2_key, 'dashes'))),
                        '"',
                    ))
                t_18.extend((
                    '/></svg><span><b>',
                    escape(environment.finalize(environment.getattr(l_2_key, 'name'))),
                    '</b> ',
                    escape(environment.finalize(environment.getattr(l_2_key, 'value'))),
                    '</span></li>\n',
                ))
            l_2_key = missing
            t_18.append(
                '</ul>\n',
            )
        else:
            pass
            t_18.extend((
                '<p class="numbers">',
                escape(environment.finalize(t_1(environment.getattr(l_1_plot, 'numbers')))),
                '</p>\n',
            ))
        t_18.append(
            '</figure>\n',
        )
        return concat(t_18)
    context.exported_vars.add('plot')
    context.vars['plot'] = l_0_plot = Macro(environment, macro, 'plot', ('plot',), False, False, False, context.eval_ctx.autoescape)
    yield '\n'
    def macro(l_1_plots):
        t_19 = []
        if l_1_plots is missing:
            l_1_plots = undefined("parameter 'plots' was not provided", name='plots')
        pass
        t_19.extend((
            '<div class="pair',
            escape(environment.finalize((' half' if (t_8(l_1_plots) > 1) else cond_expr_undefined("the inline if-expression on line 24 in 'parts.html' evaluated to false and no else section was defined.")))),
            '">\n',
        ))
        for l_2_drawn in l_1_plots:
            _loop_vars = {}
            pass
            t_19.extend((
                escape(environment.finalize(context.call((undefined(name='plot') if l_0_plot is missing else l_0_plot), l_2_drawn, _loop_vars=_loop_vars))),
                '\n',
            ))
        l_2_drawn = missing
        t_19.append(
            '</div>\n',
        )
        return concat(t_19)
    context.exported_vars.add('pair')
    context.vars['pair'] = l_0_pair = Macro(environment, macro, 'pair', ('plots',), False, False, False, context.eval_ctx.autoescape)
    yield '\n'
    def macro(l_1_rows):
        t_20 = []
        if l_1_rows is missing:
            l_1_rows = undefined("parameter 'rows' was not provided", name='rows')
        pass
        if l_1_rows:
            pass
            t_20.append(
                '<ul class="evidence">',
            )
            for (l_2_name, l_2_value, l_2_meaning) in l_1_rows:
                _loop_vars = {}
                pass
                t_20.append(
                    '<li><span',
                )
                if l_2_meaning:
                    pass
                    t_20.extend((
                        ' title="',
                        escape(environment.finalize(l_2_meaning)),
                        '"',
                    ))
                t_20.extend((
                    '>',
                    escape(environment.finalize(t_1(l_2_name))),
                    '</span> <b>',
                    escape(environment.finalize(l_2_value)),
                    '</b></li>',
                ))
            l_2_name = l_2_value = l_2_meaning = missing
            t_20.append(
                '</ul>',
            )
        return concat(t_20)
    context.exported_vars.add('pairs')
    context.vars['pairs'] = l_0_pairs = Macro(environment, macro, 'pairs', ('rows',), False, False, False, context.eval_ctx.autoescape)
    yield '\n'
    def macro(l_1_id, l_1_code, l_1_probes):
        t_21 = []
        if l_1_id is missing:
            l_1_id = undefined("parameter 'id' was not provided", name='id')
        if l_1_code is missing:
            l_1_code = undefined("parameter 'code' was not provided", name='code')
        if l_1_probes is missing:
            l_1_probes = undefined("parameter 'probes' was not provided", name='probes')
        pass
        if t_9(context.eval_ctx, t_13(context, l_1_probes, 'code', 'equalto', l_1_code)):
            pass
            t_21.extend((
                '<a class="code" href="#',
                escape(environment.finalize(l_1_id)),
                '-',
                escape(environment.finalize(l_1_code)),
                '"><b>',
                escape(environment.finalize(l_1_code)),
                '</b></a>',
            ))
        else:
            pass
            t_21.extend((
                '<b class="code">',
                escape(environment.finalize(l_1_code)),
                '</b>',
            ))
        return concat(t_21)
    context.exported_vars.add('code')
    context.vars['code'] = l_0_code = Macro(environment, macro, 'code', ('id', 'code', 'probes'), False, False, False, context.eval_ctx.autoescape)
    yield '\n'
    def macro(l_1_row, l_1_id, l_1_probes, l_1_kind):
        t_22 = []
        if l_1_row is missing:
            l_1_row = undefined("parameter 'row' was not provided", name='row')
        if l_1_id is missing:
            l_1_id = undefined("parameter 'id' was not provided", name='id')
        if l_1_probes is missing:
            l_1_probes = undefined("parameter 'probes' was not provided", name='probes')
        if l_1_kind is missing:
            l_1_kind = undefined("parameter 'kind' was not provided", name='kind')
        pass
        t_22.extend((
            '<p class="head">',
            escape(environment.finalize(context.call((undefined(name='badge') if l_0_badge is missing else l_0_badge), environment.getattr(l_1_row, 'badge')))),
            ' ',
            escape(environment.finalize(context.call((undefined(name='code') if l_0_code is missing else l_0_code), l_1_id, environment.getattr(environment.getattr(environment.getattr(l_1_row, 'judged'), 'finding'), 'code'), l_1_probes))),
            ' <b>',
            escape(environment.finalize(environment.getattr(environment.getattr(environment.getattr(l_1_row, 'judged'), 'finding'), 'name'))),
            '</b>',
        ))
        if l_1_kind:
            pass
            t_22.extend((
                ' <span class="kind">',
                escape(environment.finalize(l_1_kind)),
                '</span>',
            ))
        if environment.getattr(environment.getattr(l_1_row, 'judged'), 'age'):
            pass
            t_22.extend((
                ' <span class="chip">',
                escape(environment.finalize(environment.getattr(environment.getattr(environment.getattr(l_1_row, 'judged'), 'age'), 'value'))),
                '</span>',
            ))
        t_22.append(
            '</p>',
        )
        return concat(t_22)
    context.exported_vars.add('head')
    context.vars['head'] = l_0_head = Macro(environment, macro, 'head', ('row', 'id', 'probes', 'kind'), False, False, False, context.eval_ctx.autoescape)
    yield '\n'
    def macro(l_1_target, l_1_label):
        t_23 = []
        if l_1_target is missing:
            l_1_target = undefined("parameter 'target' was not provided", name='target')
        if l_1_label is missing:
            l_1_label = undefined("parameter 'label' was not provided", name='label')
        pass
        t_23.extend((
            '<button type="button" data-copies="',
            escape(environment.finalize(l_1_target)),
            '" hidden>',
            escape(environment.finalize(l_1_label)),
            '</button>',
        ))
        return concat(t_23)
    context.exported_vars.add('copying')
    context.vars['copying'] = l_0_copying = Macro(environment, macro, 'copying', ('target', 'label'), False, False, False, context.eval_ctx.autoescape)
    yield '\n'
    def macro(l_1_id, l_1_words, l_1_command):
        t_24 = []
        if l_1_id is missing:
            l_1_id = undefined("parameter 'id' was not provided", name='id')
        if l_1_words is missing:
            l_1_words = undefined("parameter 'words' was not provided", name='words')
        if l_1_command is missing:
            l_1_command = undefined("parameter 'command' was not provided", name='command')
        pass
        t_24.extend((
            '<div class="typed"><span>',
            escape(environment.finalize(l_1_words)),
            '</span> <code id="',
            escape(environment.finalize(l_1_id)),
            '">',
            escape(environment.finalize(t_1(l_1_command))),
            '</code> ',
            escape(environment.finalize(context.call((undefined(name='copying') if l_0_copying is missing else l_0_copying), l_1_id, 'Copy'))),
            '</div>\n',
        ))
        return concat(t_24)
    context.exported_vars.add('typed')
    context.vars['typed'] = l_0_typed = Macro(environment, macro, 'typed', ('id', 'words', 'command'), False, False, False, context.eval_ctx.autoescape)
    yield '\n'
    def macro(l_1_section, l_1_trials_shown):
        t_25 = []
        l_1_report = missing
        if l_1_section is missing:
            l_1_section = undefined("parameter 'section' was not provided", name='section')
        if l_1_trials_shown is missing:
            l_1_trials_shown = undefined("parameter 'trials_shown' was not provided", name='trials_shown')
        pass
        l_1_report = environment.getattr(environment.getattr(l_1_section, 'entry'), 'report')
        if (undefined(name='report') if l_1_report is missing else l_1_report):
            pass
            t_25.append(
                '<nav aria-label="On this page"><ul>\n',
            )
            if (environment.getattr(l_1_section, 'reasons') or environment.getattr(l_1_section, 'without_cause')):
                pass
                t_25.extend((
                    '<li><a href="#',
                    escape(environment.finalize(environment.getattr(l_1_section, 'id'))),
                    '-causes">Causes</a></li>',
                ))
            if ((environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'patch') or environment.getattr(l_1_section, 'by_hand')) or environment.getattr(l_1_section, 'hints')):
                pass
                t_25.extend((
                    '<li><a href="#',
                    escape(environment.finalize(environment.getattr(l_1_section, 'id'))),
                    '-patch">',
                    escape(environment.finalize(('Patch' if environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'patch') else 'Changes'))),
                    '</a></li>',
                ))
            if l_1_trials_shown:
                pass
                t_25.append(
                    '<li><a href="#trials">Trials</a></li>',
                )
            if (environment.getattr(l_1_section, 'pair') or environment.getattr(l_1_section, 'plots')):
                pass
                t_25.extend((
                    '<li><a href="#',
                    escape(environment.finalize(environment.getattr(l_1_section, 'id'))),
                    '-pictures">Pictures</a></li>',
                ))
            t_25.append(
                '\n',
            )
            if (environment.getattr(l_1_section, 'history') or (environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'history') and environment.getattr(environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'history'), 'observations'))):
                pass
                t_25.extend((
                    '<li><a href="#',
                    escape(environment.finalize(environment.getattr(l_1_section, 'id'))),
                    '-history">Its own files</a></li>',
                ))
            if (environment.getattr(l_1_section, 'rows') or environment.getattr(l_1_section, 'explained')):
                pass
                t_25.extend((
                    '<li><a href="#',
                    escape(environment.finalize(environment.getattr(l_1_section, 'id'))),
                    '-findings">Findings</a></li>',
                ))
            if environment.getattr(l_1_section, 'probes'):
                pass
                t_25.extend((
                    '<li><a href="#',
                    escape(environment.finalize(environment.getattr(l_1_section, 'id'))),
                    '-probes">Probes</a></li>',
                ))
            if environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'remedies'):
                pass
                t_25.extend((
                    '<li><a href="#',
                    escape(environment.finalize(environment.getattr(l_1_section, 'id'))),
                    '-remedies">Remedies</a></li>',
                ))
            t_25.extend((
                '<li><a href="#',
                escape(environment.finalize(environment.getattr(l_1_section, 'id'))),
                '-subject">Looked at</a></li>\n</ul></nav>\n',
            ))
        return concat(t_25)
    context.exported_vars.add('contents')
    context.vars['contents'] = l_0_contents = Macro(environment, macro, 'contents', ('section', 'trials_shown'), False, False, False, context.eval_ctx.autoescape)
    yield '\n'
    def macro(l_1_section, l_1_trials_shown, l_1_level):
        t_26 = []
        l_1_report = l_1_id = l_1_h = missing
        if l_1_section is missing:
            l_1_section = undefined("parameter 'section' was not provided", name='section')
        if l_1_trials_shown is missing:
            l_1_trials_shown = undefined("parameter 'trials_shown' was not provided", name='trials_shown')
        if l_1_level is missing:
            l_1_level = undefined("parameter 'level' was not provided", name='level')
        pass
        l_1_report = environment.getattr(environment.getattr(l_1_section, 'entry'), 'report')
        l_1_id = environment.getattr(l_1_section, 'id')
        l_1_h = markup_join(('h', l_1_level, ))
        t_26.append(
            '<div class="answer">\n',
        )
        if environment.getattr(l_1_section, 'reasons'):
            pass
            t_26.extend((
                '<section>\n<',
                escape(environment.finalize((undefined(name='h') if l_1_h is missing else l_1_h))),
                ' id="',
                escape(environment.finalize((undefined(name='id') if l_1_id is missing else l_1_id))),
                '-causes">',
                escape(environment.finalize(('Causes, the likeliest first' if environment.getattr(environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'subject'), 'checkpoint') else 'Causes'))),
                '</',
                escape(environment.finalize((undefined(name='h') if l_1_h is missing else l_1_h))),
                '>\n<ol class="causes">\n',
            ))
            l_2_loop = missing
            for l_2_reason, l_2_loop in LoopContext(environment.getattr(l_1_section, 'reasons'), undefined):
                _loop_vars = {}
                pass
                t_26.extend((
                    '<li id="',
                    escape(environment.finalize((undefined(name='id') if l_1_id is missing else l_1_id))),
                    '-cause',
                    escape(environment.finalize(environment.getattr(l_2_loop, 'index'))),
                    '">\n',
                    escape(environment.finalize(context.call((undefined(name='head') if l_0_head is missing else l_0_head), environment.getattr(l_2_reason, 'row'), (undefined(name='id') if l_1_id is missing else l_1_id), environment.getattr(l_1_section, 'probes'), (environment.getattr(l_2_reason, 'support') if environment.getattr(environment.getattr(l_2_reason, 'cause'), 'trial') else ''), _loop_vars=_loop_vars))),
                    '\n<p>',
                    escape(environment.finalize(t_1(environment.getattr(l_2_reason, 'said')))),
                    '</p>\n',
                ))
                if environment.getattr(environment.getattr(l_2_reason, 'row'), 'why'):
                    pass
                    t_26.extend((
                        '<p class="why">',
                        escape(environment.finalize(t_1(environment.getattr(environment.getattr(l_2_reason, 'row'), 'why')))),
                        '</p>',
                    ))
                t_26.append(
                    '<details class="measured"><summary>',
                )
                if environment.getattr(l_2_reason, 'setting'):
                    pass
                    t_26.extend((
                        '<code>',
                        escape(environment.finalize(t_1(environment.getattr(l_2_reason, 'setting')))),
                        '</code>',
                    ))
                else:
                    pass
                    t_26.append(
                        escape(environment.finalize(environment.getattr(l_2_reason, 'support'))),
                    )
                t_26.append(
                    '</summary>\n',
                )
                if environment.getattr(environment.getattr(l_2_reason, 'row'), 'place'):
                    pass
                    t_26.extend((
                        '<p class="place">',
                        escape(environment.finalize(t_1(environment.getattr(environment.getattr(l_2_reason, 'row'), 'place')))),
                        '</p>',
                    ))
                if (environment.getattr(l_2_reason, 'setting') and (not environment.getattr(environment.getattr(l_2_reason, 'cause'), 'trial'))):
                    pass
                    t_26.extend((
                        '<p class="support">',
                        escape(environment.finalize(environment.getattr(l_2_reason, 'support'))),
                        '</p>',
                    ))
                t_26.extend((
                    escape(environment.finalize(context.call((undefined(name='pairs') if l_0_pairs is missing else l_0_pairs), environment.getattr(environment.getattr(l_2_reason, 'row'), 'evidence'), _loop_vars=_loop_vars))),
                    '</details>\n</li>\n',
                ))
            l_2_loop = l_2_reason = missing
            t_26.append(
                '</ol>\n</section>\n',
            )
        if environment.getattr(l_1_section, 'without_cause'):
            pass
            t_26.extend((
                '<section>\n<',
                escape(environment.finalize((undefined(name='h') if l_1_h is missing else l_1_h))),
                ' id="',
                escape(environment.finalize((undefined(name='id') if l_1_id is missing else l_1_id))),
                '-causes">No cause was found</',
                escape(environment.finalize((undefined(name='h') if l_1_h is missing else l_1_h))),
                '>\n<ul>',
            ))
            for l_2_line in environment.getattr(l_1_section, 'without_cause'):
                _loop_vars = {}
                pass
                t_26.extend((
                    '<li>',
                    escape(environment.finalize(t_1(l_2_line))),
                    '</li>',
                ))
            l_2_line = missing
            t_26.append(
                '</ul>\n</section>\n',
            )
        if ((undefined(name='report') if l_1_report is missing else l_1_report) and ((environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'patch') or environment.getattr(l_1_section, 'by_hand')) or environment.getattr(l_1_section, 'hints'))):
            pass
            t_26.extend((
                '<section>\n<',
                escape(environment.finalize((undefined(name='h') if l_1_h is missing else l_1_h))),
                ' id="',
                escape(environment.finalize((undefined(name='id') if l_1_id is missing else l_1_id))),
                '-patch">',
                escape(environment.finalize(('Patch confirmed by trials' if environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'cure') else ('Suggested patch' if environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'patch') else 'Suggested changes')))),
                '</',
                escape(environment.finalize((undefined(name='h') if l_1_h is missing else l_1_h))),
                '>\n',
            ))
            if environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'cure'):
                pass
                t_26.extend((
                    '<p><b>',
                    escape(environment.finalize(environment.getattr(environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'cure'), 'title'))),
                    '</b>: ',
                    escape(environment.finalize(t_1(environment.getattr(environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'cure'), 'why')))),
                    '</p>\n',
                ))
            elif environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'patch'):
                pass
                t_26.append(
                    '<p class="hint">Not tried yet.',
                )
                if environment.getattr(l_1_section, 'hints'):
                    pass
                    t_26.append(
                        ' <b>It takes the changes of the code below as well.</b>',
                    )
                t_26.append(
                    '</p>',
                )
            if environment.getattr(l_1_section, 'by_hand'):
                pass
                t_26.append(
                    '<ul class="edits">',
                )
                for l_2_words in environment.getattr(l_1_section, 'by_hand'):
                    _loop_vars = {}
                    pass
                    t_26.extend((
                        '<li>',
                        escape(environment.finalize(l_2_words)),
                        '</li>',
                    ))
                l_2_words = missing
                t_26.append(
                    '</ul>',
                )
            if environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'patch'):
                pass
                t_26.append(
                    '<ul class="edits">',
                )
                for l_2_edit in environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'patch'):
                    _loop_vars = {}
                    pass
                    t_26.extend((
                        '<li><code>',
                        escape(environment.finalize(t_1(t_3(l_2_edit, environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'config_prefix'))))),
                        '</code></li>',
                    ))
                l_2_edit = missing
                t_26.append(
                    '</ul>\n',
                )
                if environment.getattr(l_1_section, 'steps'):
                    pass
                    t_26.extend((
                        '<p class="hint">',
                        escape(environment.finalize(environment.getattr(l_1_section, 'steps'))),
                        '.</p>',
                    ))
                if environment.getattr(l_1_section, 'diff'):
                    pass
                    t_26.append(
                        '<div class="copied">\n<div class="bar"><span>As a diff</span>',
                    )
                    if environment.getattr(l_1_section, 'diff_copies'):
                        pass
                        t_26.append(
                            escape(environment.finalize(context.call((undefined(name='copying') if l_0_copying is missing else l_0_copying), markup_join(((undefined(name='id') if l_1_id is missing else l_1_id), '-diff', )), 'Copy the diff'))),
                        )
                    t_26.extend((
                        '</div>\n<pre class="diff" id="',
                        escape(environment.finalize((undefined(name='id') if l_1_id is missing else l_1_id))),
                        '-diff" tabindex="0" role="group" aria-label="The patch as a diff">',
                    ))
                    for (l_2_kind, l_2_line) in environment.getattr(l_1_section, 'diff'):
                        _loop_vars = {}
                        pass
                        t_26.extend((
                            '<span class="',
                            escape(environment.finalize(l_2_kind)),
                            '">',
                            escape(environment.finalize(l_2_line)),
                            '\n</span>',
                        ))
                    l_2_kind = l_2_line = missing
                    t_26.append(
                        '</pre>\n',
                    )
                    if (not environment.getattr(l_1_section, 'diff_copies')):
                        pass
                        t_26.append(
                            '<p class="hint">It holds characters that are spelled out here: take it from <code>humouse-doctor suggest-config</code>.</p>',
                        )
                    t_26.append(
                        '</div>\n',
                    )
                if environment.getattr(l_1_section, 'overrides'):
                    pass
                    t_26.extend((
                        '<div class="copied">\n<div class="bar"><span>As overrides</span>',
                        escape(environment.finalize(context.call((undefined(name='copying') if l_0_copying is missing else l_0_copying), markup_join(((undefined(name='id') if l_1_id is missing else l_1_id), '-overrides', )), 'Copy the overrides'))),
                        '</div>\n<pre id="',
                        escape(environment.finalize((undefined(name='id') if l_1_id is missing else l_1_id))),
                        '-overrides" tabindex="0" role="group" aria-label="The patch as overrides">',
                        escape(environment.finalize(t_1(environment.getattr(l_1_section, 'overrides')))),
                        '</pre>\n</div>\n',
                    ))
            if ((environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'patch') and (not environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'cure'))) and environment.getattr(l_1_section, 'search')):
                pass
                t_26.append(
                    escape(environment.finalize(context.call((undefined(name='typed') if l_0_typed is missing else l_0_typed), markup_join(((undefined(name='id') if l_1_id is missing else l_1_id), '-search', )), 'To try it in short trainings', environment.getattr(l_1_section, 'search')))),
                )
            if environment.getattr(l_1_section, 'hints'):
                pass
                t_26.append(
                    '<p>',
                )
                if (environment.getattr(l_1_section, 'diff') or environment.getattr(l_1_section, 'overrides')):
                    pass
                    t_26.append(
                        "The patch's part in the code:",
                    )
                else:
                    pass
                    t_26.append(
                        'The patch is in the code.',
                    )
                t_26.append(
                    '</p>',
                )
            for (l_2_title, l_2_hint) in environment.getattr(l_1_section, 'hints'):
                _loop_vars = {}
                pass
                t_26.extend((
                    '<div class="code-hint"><p><b>',
                    escape(environment.finalize(l_2_title)),
                    '</b></p><p>',
                    escape(environment.finalize(t_1(l_2_hint))),
                    '</p></div>\n',
                ))
            l_2_title = l_2_hint = missing
            t_26.append(
                '</section>\n',
            )
        t_26.append(
            '</div>\n',
        )
        if l_1_trials_shown:
            pass
            t_26.append(
                escape(environment.finalize(context.call((undefined(name='trials') if l_0_trials is missing else l_0_trials), l_1_trials_shown, l_1_level))),
            )
        if (undefined(name='report') if l_1_report is missing else l_1_report):
            pass
            t_26.extend((
                '<section>\n<',
                escape(environment.finalize((undefined(name='h') if l_1_h is missing else l_1_h))),
                ' id="',
                escape(environment.finalize((undefined(name='id') if l_1_id is missing else l_1_id))),
                '-pictures">What it looks like</',
                escape(environment.finalize((undefined(name='h') if l_1_h is missing else l_1_h))),
                '>\n',
            ))
            if (environment.getattr(l_1_section, 'pair') or environment.getattr(l_1_section, 'plots')):
                pass
                t_26.extend((
                    '<p><button type="button" data-plays="',
                    escape(environment.finalize((undefined(name='id') if l_1_id is missing else l_1_id))),
                    '-plots" hidden>Play the paths</button></p>\n<p class="hint">',
                    escape(environment.finalize(t_2(environment.getattr(environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'pictures'), 'space')))),
                    '. Both sets of paths are in the same scale, each path centred in its cell, y pointing down; a dot marks its start.',
                ))
                if environment.getattr(l_1_section, 'note'):
                    pass
                    t_26.extend((
                        ' ',
                        escape(environment.finalize(environment.getattr(l_1_section, 'note'))),
                    ))
                t_26.extend((
                    '</p>\n<div class="plots" id="',
                    escape(environment.finalize((undefined(name='id') if l_1_id is missing else l_1_id))),
                    '-plots">\n',
                    escape(environment.finalize(context.call((undefined(name='pair') if l_0_pair is missing else l_0_pair), environment.getattr(l_1_section, 'pair')))),
                    '\n',
                ))
                for l_2_drawn in environment.getattr(l_1_section, 'plots'):
                    _loop_vars = {}
                    pass
                    t_26.extend((
                        escape(environment.finalize(context.call((undefined(name='plot') if l_0_plot is missing else l_0_plot), l_2_drawn, _loop_vars=_loop_vars))),
                        '\n',
                    ))
                l_2_drawn = missing
                t_26.append(
                    '</div>\n',
                )
                if environment.getattr(l_1_section, 'magnified'):
                    pass
                    t_26.extend((
                        '<details class="magnified"><summary>',
                        escape(environment.finalize(environment.getattr(environment.getattr(l_1_section, 'magnified'), 'title'))),
                        '</summary>\n<div class="plots">',
                        escape(environment.finalize(context.call((undefined(name='plot') if l_0_plot is missing else l_0_plot), environment.getattr(l_1_section, 'magnified')))),
                        '</div>\n</details>\n',
                    ))
            else:
                pass
                t_26.extend((
                    '<p>',
                    escape(environment.finalize(environment.getattr(l_1_section, 'note'))),
                    '</p>\n',
                ))
            t_26.append(
                '</section>\n',
            )
        if (environment.getattr(l_1_section, 'history') or (((undefined(name='report') if l_1_report is missing else l_1_report) and environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'history')) and environment.getattr(environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'history'), 'observations'))):
            pass
            t_26.extend((
                '<section>\n<',
                escape(environment.finalize((undefined(name='h') if l_1_h is missing else l_1_h))),
                ' id="',
                escape(environment.finalize((undefined(name='id') if l_1_id is missing else l_1_id))),
                '-history">What its own files say</',
                escape(environment.finalize((undefined(name='h') if l_1_h is missing else l_1_h))),
                '>\n',
            ))
            if environment.getattr(environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'history'), 'observations'):
                pass
                t_26.append(
                    '<ul>',
                )
                for l_2_said in environment.getattr(environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'history'), 'observations'):
                    _loop_vars = {}
                    pass
                    t_26.extend((
                        '<li>',
                        escape(environment.finalize(t_1(l_2_said))),
                        '</li>',
                    ))
                l_2_said = missing
                t_26.append(
                    '</ul>',
                )
            if environment.getattr(l_1_section, 'history'):
                pass
                t_26.append(
                    '<div class="plots">\n',
                )
                for l_2_drawn in environment.getattr(l_1_section, 'history'):
                    _loop_vars = {}
                    pass
                    t_26.extend((
                        escape(environment.finalize(context.call((undefined(name='plot') if l_0_plot is missing else l_0_plot), l_2_drawn, _loop_vars=_loop_vars))),
                        '\n',
                    ))
                l_2_drawn = missing
                t_26.append(
                    '</div>\n',
                )
            t_26.append(
                '</section>\n',
            )
        if (environment.getattr(l_1_section, 'rows') or environment.getattr(l_1_section, 'explained')):
            pass
            t_26.extend((
                '<section>\n<',
                escape(environment.finalize((undefined(name='h') if l_1_h is missing else l_1_h))),
                ' id="',
                escape(environment.finalize((undefined(name='id') if l_1_id is missing else l_1_id))),
                '-findings">',
                escape(environment.finalize(('Symptoms and other findings' if environment.getattr(l_1_section, 'reasons') else 'All findings'))),
                '</',
                escape(environment.finalize((undefined(name='h') if l_1_h is missing else l_1_h))),
                '>\n',
            ))
            if environment.getattr(l_1_section, 'explained'):
                pass
                t_26.extend((
                    '<div class="plots one">',
                    escape(environment.finalize(context.call((undefined(name='plot') if l_0_plot is missing else l_0_plot), environment.getattr(l_1_section, 'explained')))),
                    '</div>',
                ))
            if environment.getattr(l_1_section, 'rows'):
                pass
                t_26.append(
                    '<ul class="findings">\n',
                )
                for l_2_row in environment.getattr(l_1_section, 'rows'):
                    l_2_finding = missing
                    _loop_vars = {}
                    pass
                    l_2_finding = environment.getattr(environment.getattr(l_2_row, 'judged'), 'finding')
                    _loop_vars['finding'] = l_2_finding
                    t_26.extend((
                        '<li>\n',
                        escape(environment.finalize(context.call((undefined(name='head') if l_0_head is missing else l_0_head), l_2_row, (undefined(name='id') if l_1_id is missing else l_1_id), environment.getattr(l_1_section, 'probes'), environment.getattr(l_2_row, 'kind'), _loop_vars=_loop_vars))),
                        '\n<p>',
                        escape(environment.finalize(t_1(environment.getattr((undefined(name='finding') if l_2_finding is missing else l_2_finding), 'message')))),
                    ))
                    if environment.getattr(l_2_row, 'remark'):
                        pass
                        t_26.extend((
                            ' <span class="remark">(',
                            escape(environment.finalize(environment.getattr(l_2_row, 'remark'))),
                            ')</span>',
                        ))
                    t_26.append(
                        '</p>\n',
                    )
                    if environment.getattr(l_2_row, 'why'):
                        pass
                        t_26.extend((
                            '<p class="why">',
                            escape(environment.finalize(t_1(environment.getattr(l_2_row, 'why')))),
                            '</p>',
                        ))
                    if environment.getattr(l_2_row, 'place'):
                        pass
                        t_26.extend((
                            '<p class="place">',
                            escape(environment.finalize(t_1(environment.getattr(l_2_row, 'place')))),
                            '</p>',
                        ))
                    t_26.extend((
                        escape(environment.finalize(context.call((undefined(name='pairs') if l_0_pairs is missing else l_0_pairs), environment.getattr(l_2_row, 'evidence'), _loop_vars=_loop_vars))),
                        '\n</li>\n',
                    ))
                l_2_row = l_2_finding = missing
                t_26.append(
                    '</ul>\n',
                )
            t_26.append(
                '</section>\n',
            )
        if (environment.getattr(environment.getattr(l_1_section, 'entry'), 'healed') or environment.getattr(environment.getattr(l_1_section, 'entry'), 'notes')):
            pass
            t_26.extend((
                '<section>\n<',
                escape(environment.finalize((undefined(name='h') if l_1_h is missing else l_1_h))),
                ' id="',
                escape(environment.finalize((undefined(name='id') if l_1_id is missing else l_1_id))),
                '-notes">Since the baseline, and notes</',
                escape(environment.finalize((undefined(name='h') if l_1_h is missing else l_1_h))),
                '>\n<ul>\n',
            ))
            for l_2_fingerprint in environment.getattr(environment.getattr(l_1_section, 'entry'), 'healed'):
                _loop_vars = {}
                pass
                t_26.extend((
                    '<li><span class="badge good"><span class="symbol" aria-hidden="true">✓</span>healed</span> ',
                    escape(environment.finalize(l_2_fingerprint)),
                    ': in the baseline, and not found any more</li>',
                ))
            l_2_fingerprint = missing
            for l_2_note in environment.getattr(environment.getattr(l_1_section, 'entry'), 'notes'):
                _loop_vars = {}
                pass
                t_26.extend((
                    '<li>',
                    escape(environment.finalize(t_1(l_2_note))),
                    '</li>',
                ))
            l_2_note = missing
            t_26.append(
                '</ul>\n</section>\n',
            )
        if environment.getattr(l_1_section, 'probes'):
            pass
            t_26.extend((
                '<section>\n<details class="more"><summary><',
                escape(environment.finalize((undefined(name='h') if l_1_h is missing else l_1_h))),
                ' id="',
                escape(environment.finalize((undefined(name='id') if l_1_id is missing else l_1_id))),
                '-probes">All ',
                escape(environment.finalize(t_4(t_8(environment.getattr(l_1_section, 'probes')), 'probe'))),
                '</',
                escape(environment.finalize((undefined(name='h') if l_1_h is missing else l_1_h))),
                '></summary>\n<p class="hint"><code>humouse-doctor explain HD201</code> prints a probe\'s page, by its code or name. The mark is the value, <span class="key healthy-key"></span> the strong band is healthy, <span class="key tolerable-key"></span> the pale one tolerable. An arrow says that the value lies beyond what is drawn. Ratios are on a log scale.</p>\n<div class="scroll" tabindex="0" role="group" aria-label="All probes">\n<table class="probes">\n<thead><tr><th scope="col">Probe</th><th scope="col">Metric</th><th scope="col" class="num">Value</th><th scope="col">Healthy</th><th scope="col">Range</th><th scope="col">Judged</th></tr></thead>\n',
            ))
            l_2_loop = missing
            for l_2_probe, l_2_loop in LoopContext(environment.getattr(l_1_section, 'probes'), undefined):
                _loop_vars = {}
                pass
                t_26.extend((
                    '<tbody id="',
                    escape(environment.finalize((undefined(name='id') if l_1_id is missing else l_1_id))),
                    '-',
                    escape(environment.finalize(environment.getattr(l_2_probe, 'code'))),
                    '">\n',
                ))
                l_3_loop = missing
                for l_3_metric, l_3_loop in LoopContext(environment.getattr(l_2_probe, 'judging'), undefined):
                    _loop_vars = {}
                    pass
                    t_26.append(
                        '<tr>\n',
                    )
                    if environment.getattr(l_3_loop, 'first'):
                        pass
                        t_26.append(
                            escape(environment.finalize(context.call((undefined(name='probe_head') if l_0_probe_head is missing else l_0_probe_head), l_2_probe, _loop_vars=_loop_vars))),
                        )
                    t_26.extend((
                        '<td><span class="metric">',
                        escape(environment.finalize(t_1(environment.getattr(l_3_metric, 'name')))),
                        '</span><span class="meaning">',
                        escape(environment.finalize(environment.getattr(l_3_metric, 'meaning'))),
                        '</span></td>\n<td class="num">',
                        escape(environment.finalize(environment.getattr(l_3_metric, 'value'))),
                        '</td>\n<td class="nowrap">',
                        escape(environment.finalize(environment.getattr(l_3_metric, 'healthy'))),
                    ))
                    if environment.getattr(l_3_metric, 'policy'):
                        pass
                        t_26.extend((
                            '<span class="meaning">policy: ',
                            escape(environment.finalize(environment.getattr(l_3_metric, 'policy'))),
                            '</span>',
                        ))
                    t_26.append(
                        '</td>\n<td>',
                    )
                    if environment.getattr(l_3_metric, 'range'):
                        pass
                        t_26.append(
                            escape(environment.finalize(context.call((undefined(name='range') if l_0_range is missing else l_0_range), l_3_metric, _loop_vars=_loop_vars))),
                        )
                    t_26.append(
                        '</td>\n<td>',
                    )
                    if environment.getattr(l_3_metric, 'badge'):
                        pass
                        t_26.append(
                            escape(environment.finalize(context.call((undefined(name='badge') if l_0_badge is missing else l_0_badge), environment.getattr(l_3_metric, 'badge'), _loop_vars=_loop_vars))),
                        )
                    t_26.append(
                        '</td>\n</tr>\n',
                    )
                l_3_loop = l_3_metric = missing
                if (environment.getattr(l_2_probe, 'others') or environment.getattr(l_2_probe, 'said')):
                    pass
                    t_26.append(
                        '<tr',
                    )
                    if environment.getattr(l_2_probe, 'judging'):
                        pass
                        t_26.append(
                            ' class="joined"',
                        )
                    t_26.append(
                        '>\n',
                    )
                    if (not environment.getattr(l_2_probe, 'judging')):
                        pass
                        t_26.append(
                            escape(environment.finalize(context.call((undefined(name='probe_head') if l_0_probe_head is missing else l_0_probe_head), l_2_probe, _loop_vars=_loop_vars))),
                        )
                    t_26.extend((
                        '<td colspan="5">',
                        escape(environment.finalize(environment.getattr(l_2_probe, 'said'))),
                    ))
                    if environment.getattr(l_2_probe, 'others'):
                        pass
                        t_26.append(
                            '<ul class="others">',
                        )
                        for l_3_metric in environment.getattr(l_2_probe, 'others'):
                            _loop_vars = {}
                            pass
                            t_26.extend((
                                '<li><span class="metric">',
                                escape(environment.finalize(t_1(environment.getattr(l_3_metric, 'name')))),
                                '</span> <b>',
                                escape(environment.finalize(environment.getattr(l_3_metric, 'value'))),
                                '</b> ',
                                escape(environment.finalize(environment.getattr(l_3_metric, 'meaning'))),
                                '</li>',
                            ))
                        l_3_metric = missing
                        t_26.append(
                            '</ul>',
                        )
                    t_26.append(
                        '</td>\n</tr>\n',
                    )
                t_26.append(
                    '</tbody>\n',
                )
            l_2_loop = l_2_probe = missing
            t_26.append(
                '</table>\n</div>\n</details>\n</section>\n',
            )
        if ((undefined(name='report') if l_1_report is missing else l_1_report) and environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'remedies')):
            pass
            t_26.extend((
                '<section>\n<details class="more"><summary><',
                escape(environment.finalize((undefined(name='h') if l_1_h is missing else l_1_h))),
                ' id="',
                escape(environment.finalize((undefined(name='id') if l_1_id is missing else l_1_id))),
                '-remedies">All ',
                escape(environment.finalize(t_4(t_8(environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'remedies')), 'remedy'))),
                '</',
                escape(environment.finalize((undefined(name='h') if l_1_h is missing else l_1_h))),
                '></summary>\n<ul class="remedies">\n',
            ))
            l_2_loop = missing
            for l_2_remedy, l_2_loop in LoopContext(environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'remedies'), undefined):
                _loop_vars = {}
                pass
                t_26.extend((
                    '<li>\n<p class="head">',
                    escape(environment.finalize(context.call((undefined(name='badge') if l_0_badge is missing else l_0_badge), environment.getitem(environment.getattr(l_1_section, 'remedy_badges'), environment.getattr(l_2_remedy, 'id')), _loop_vars=_loop_vars))),
                    ' <b>',
                    escape(environment.finalize(environment.getattr(l_2_remedy, 'title'))),
                    '</b> <span class="chip quiet">',
                    escape(environment.finalize(environment.getattr(environment.getattr(l_2_remedy, 'safety'), 'value'))),
                    '</span></p>\n<p>',
                    escape(environment.finalize(t_1(environment.getattr(l_2_remedy, 'why')))),
                    '</p>\n',
                ))
                for l_3_edit in environment.getattr(l_2_remedy, 'edits'):
                    _loop_vars = {}
                    pass
                    t_26.extend((
                        '<p class="place"><code>',
                        escape(environment.finalize(t_1(t_3(l_3_edit, environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'config_prefix'))))),
                        '</code></p>',
                    ))
                l_3_edit = missing
                if environment.getattr(l_2_remedy, 'code_hint'):
                    pass
                    t_26.extend((
                        '<p class="why">In the code: ',
                        escape(environment.finalize(t_1(environment.getattr(l_2_remedy, 'code_hint')))),
                        '</p>',
                    ))
                if environment.getattr(l_2_remedy, 'expects'):
                    pass
                    t_26.append(
                        '<p class="why">It should bring ',
                    )
                    l_3_loop = missing
                    for l_3_expected, l_3_loop in LoopContext(environment.getattr(l_2_remedy, 'expects'), undefined):
                        _loop_vars = {}
                        pass
                        t_26.extend((
                            escape(environment.finalize(environment.getattr(l_3_expected, 'metric'))),
                            ' to ',
                            escape(environment.finalize(t_6(environment.getattr(l_3_expected, 'interval')))),
                            escape(environment.finalize((', ' if (not environment.getattr(l_3_loop, 'last')) else cond_expr_undefined("the inline if-expression on line 231 in 'parts.html' evaluated to false and no else section was defined.")))),
                        ))
                    l_3_loop = l_3_expected = missing
                    t_26.append(
                        '.</p>',
                    )
                if environment.getattr(l_2_remedy, 'trial'):
                    pass
                    t_26.extend((
                        '<p class="why"><b>By trials:</b> ',
                        escape(environment.finalize(environment.getattr(l_2_remedy, 'trial'))),
                        '</p>',
                    ))
                t_26.append(
                    '</li>\n',
                )
            l_2_loop = l_2_remedy = missing
            t_26.append(
                '</ul>\n</details>\n</section>\n',
            )
        if (undefined(name='report') if l_1_report is missing else l_1_report):
            pass
            t_26.extend((
                '<section>\n<',
                escape(environment.finalize((undefined(name='h') if l_1_h is missing else l_1_h))),
                ' id="',
                escape(environment.finalize((undefined(name='id') if l_1_id is missing else l_1_id))),
                '-subject">What was looked at</',
                escape(environment.finalize((undefined(name='h') if l_1_h is missing else l_1_h))),
                '>\n<dl>\n<dt>Checkpoint</dt><dd>',
                escape(environment.finalize(t_1((environment.getattr(environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'subject'), 'checkpoint') or 'none')))),
                '</dd>\n',
            ))
            if environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'stage'):
                pass
                t_26.extend((
                    '<dt>Stage</dt><dd>',
                    escape(environment.finalize(t_1(t_16(environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'stage'))))),
                    '</dd>',
                ))
            if environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'basis'):
                pass
                t_26.extend((
                    '<dt>Verdict</dt><dd>',
                    escape(environment.finalize(environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'basis'))),
                    '</dd>',
                ))
            if environment.getattr(environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'subject'), 'sha256'):
                pass
                t_26.extend((
                    '<dt>SHA-256</dt><dd><code>',
                    escape(environment.finalize(environment.getattr(environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'subject'), 'sha256'))),
                    '</code></dd>',
                ))
            t_26.extend((
                '<dt>Config</dt><dd>',
                escape(environment.finalize(t_1((environment.getattr(environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'subject'), 'config') or 'none')))),
                '</dd>\n<dt>Data</dt><dd>',
                escape(environment.finalize(t_1((environment.getattr(environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'subject'), 'data') or 'none')))),
                '</dd>\n',
            ))
            if environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'data'):
                pass
                t_26.extend((
                    '<dt>Sequences</dt><dd>',
                    escape(environment.finalize(context.call(environment.getattr('{:,}', 'format'), environment.getattr(environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'data'), 'taken')))),
                    ' of ',
                    escape(environment.finalize(context.call(environment.getattr('{:,}', 'format'), environment.getattr(environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'data'), 'total')))),
                    ', of ',
                    escape(environment.finalize(t_4(environment.getattr(environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'data'), 'length'), 'step'))),
                ))
                for (l_2_reason, l_2_count) in context.call(environment.getattr(environment.getattr(environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'data'), 'dropped'), 'items')):
                    _loop_vars = {}
                    pass
                    t_26.extend((
                        '; left out: ',
                        escape(environment.finalize(l_2_count)),
                        ' ',
                        escape(environment.finalize(l_2_reason)),
                    ))
                l_2_reason = l_2_count = missing
                t_26.append(
                    '</dd>\n',
                )
            t_26.extend((
                '<dt>Seed</dt><dd>',
                escape(environment.finalize(environment.getattr(environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'subject'), 'seed'))),
                '</dd>\n<dt>Made by</dt><dd>humouse-doctor ',
                escape(environment.finalize(environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'tool_version'))),
                '</dd>\n</dl>\n',
            ))
            if environment.getattr(environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'subject'), 'remarks'):
                pass
                t_26.append(
                    '<ul class="remarks">',
                )
                for l_2_remark in environment.getattr(environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'subject'), 'remarks'):
                    _loop_vars = {}
                    pass
                    t_26.extend((
                        '<li>',
                        escape(environment.finalize(t_1(l_2_remark))),
                        '</li>',
                    ))
                l_2_remark = missing
                t_26.append(
                    '</ul>',
                )
            if environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'settings'):
                pass
                t_26.extend((
                    '<details><summary>',
                    escape(environment.finalize(t_4(t_8(environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'settings')), 'setting'))),
                    ' and where each came from</summary>\n<div class="scroll" tabindex="0" role="group" aria-label="Settings">\n<table class="settings">\n<thead><tr><th scope="col">Key</th><th scope="col">Value</th><th scope="col">Origin</th><th scope="col">Place</th></tr></thead>\n<tbody>\n',
                ))
                for l_2_setting in environment.getattr((undefined(name='report') if l_1_report is missing else l_1_report), 'settings'):
                    _loop_vars = {}
                    pass
                    t_26.extend((
                        '<tr><td><code>',
                        escape(environment.finalize(t_1(environment.getattr(l_2_setting, 'key')))),
                        '</code></td><td><code>',
                        escape(environment.finalize(t_1(t_15(environment.getattr(l_2_setting, 'value'))))),
                        '</code></td><td>',
                        escape(environment.finalize(environment.getattr(environment.getattr(l_2_setting, 'origin'), 'value'))),
                        '</td><td class="long">',
                    ))
                    if environment.getattr(l_2_setting, 'place'):
                        pass
                        t_26.extend((
                            escape(environment.finalize(t_1(t_14(environment.getattr(environment.getattr(l_2_setting, 'place'), 'file'))))),
                            ':',
                            escape(environment.finalize(environment.getattr(environment.getattr(l_2_setting, 'place'), 'line'))),
                        ))
                    t_26.append(
                        '</td></tr>\n',
                    )
                l_2_setting = missing
                t_26.append(
                    '</tbody>\n</table>\n</div>\n</details>\n',
                )
            t_26.append(
                '</section>\n',
            )
        return concat(t_26)
    context.exported_vars.add('body')
    context.vars['body'] = l_0_body = Macro(environment, macro, 'body', ('section', 'trials_shown', 'level'), False, False, False, context.eval_ctx.autoescape)
    yield '\n'
    def macro(l_1_probe):
        t_27 = []
        if l_1_probe is missing:
            l_1_probe = undefined("parameter 'probe' was not provided", name='probe')
        pass
        t_27.extend((
            '<th scope="rowgroup" rowspan="',
            escape(environment.finalize(environment.getattr(l_1_probe, 'rows'))),
            '">',
        ))
        if environment.getattr(l_1_probe, 'address'):
            pass
            t_27.extend((
                '<a class="code" href="',
                escape(environment.finalize(environment.getattr(l_1_probe, 'address'))),
                '" rel="noreferrer">',
                escape(environment.finalize(environment.getattr(l_1_probe, 'code'))),
                '</a>',
            ))
        else:
            pass
            t_27.extend((
                '<span class="code">',
                escape(environment.finalize(environment.getattr(l_1_probe, 'code'))),
                '</span>',
            ))
        t_27.extend((
            ' ',
            escape(environment.finalize(environment.getattr(l_1_probe, 'name'))),
            '<br>',
            escape(environment.finalize(context.call((undefined(name='badge') if l_0_badge is missing else l_0_badge), environment.getattr(l_1_probe, 'badge')))),
            '</th>',
        ))
        return concat(t_27)
    context.exported_vars.add('probe_head')
    context.vars['probe_head'] = l_0_probe_head = Macro(environment, macro, 'probe_head', ('probe',), False, False, False, context.eval_ctx.autoescape)
    yield '\n'
    def macro(l_1_metric):
        t_28 = []
        l_1_r = missing
        if l_1_metric is missing:
            l_1_metric = undefined("parameter 'metric' was not provided", name='metric')
        pass
        l_1_r = environment.getattr(l_1_metric, 'range')
        t_28.extend((
            '<svg class="range" viewBox="0 0 132 16" role="img" aria-label="',
            escape(environment.finalize(environment.getattr(l_1_metric, 'value'))),
            ', healthy ',
            escape(environment.finalize(environment.getattr(l_1_metric, 'healthy'))),
            escape(environment.finalize((markup_join((', beyond the ', environment.getattr((undefined(name='r') if l_1_r is missing else l_1_r), 'beyond'), ' end', )) if environment.getattr((undefined(name='r') if l_1_r is missing else l_1_r), 'beyond') else cond_expr_undefined("the inline if-expression on line 278 in 'parts.html' evaluated to false and no else section was defined.")))),
            '">\n<rect class="f-track" x="6" y="6" width="120" height="4"/>\n<rect class="f-tolerable" x="',
            escape(environment.finalize(t_12((6 + (1.2 * environment.getitem(environment.getattr((undefined(name='r') if l_1_r is missing else l_1_r), 'tolerable'), 0))), 1))),
            '" y="4" width="',
            escape(environment.finalize(t_12((1.2 * environment.getitem(environment.getattr((undefined(name='r') if l_1_r is missing else l_1_r), 'tolerable'), 1)), 1))),
            '" height="8"/>\n<rect class="f-healthy" x="',
            escape(environment.finalize(t_12((6 + (1.2 * environment.getitem(environment.getattr((undefined(name='r') if l_1_r is missing else l_1_r), 'healthy'), 0))), 1))),
            '" y="4" width="',
            escape(environment.finalize(t_12((1.2 * environment.getitem(environment.getattr((undefined(name='r') if l_1_r is missing else l_1_r), 'healthy'), 1)), 1))),
            '" height="8"/>\n',
        ))
        if (environment.getattr((undefined(name='r') if l_1_r is missing else l_1_r), 'beyond') == 'low'):
            pass
            t_28.append(
                '<path class="f-mark" d="M0 8L8 1V15Z"/>\n',
            )
        elif (environment.getattr((undefined(name='r') if l_1_r is missing else l_1_r), 'beyond') == 'high'):
            pass
            t_28.append(
                '<path class="f-mark" d="M132 8L124 1V15Z"/>\n',
            )
        else:
            pass
            t_28.extend((
                '<rect class="f-mark" x="',
                escape(environment.finalize(t_12((4.5 + (1.2 * environment.getattr((undefined(name='r') if l_1_r is missing else l_1_r), 'mark'))), 1))),
                '" y="0" width="3" height="16" rx="1"/>',
            ))
        t_28.append(
            '</svg>\n',
        )
        return concat(t_28)
    context.exported_vars.add('range')
    context.vars['range'] = l_0_range = Macro(environment, macro, 'range', ('metric',), False, False, False, context.eval_ctx.autoescape)
    yield '\n'
    def macro(l_1_trials, l_1_level, l_1_alone):
        t_29 = []
        l_1_h = missing
        if l_1_trials is missing:
            l_1_trials = undefined("parameter 'trials' was not provided", name='trials')
        if l_1_level is missing:
            l_1_level = undefined("parameter 'level' was not provided", name='level')
        if l_1_alone is missing:
            l_1_alone = False
        pass
        l_1_h = markup_join(('h', l_1_level, ))
        t_29.extend((
            '<section>\n<',
            escape(environment.finalize((undefined(name='h') if l_1_h is missing else l_1_h))),
            ' id="trials">Trials',
        ))
        if (not l_1_alone):
            pass
            t_29.extend((
                ' ',
                escape(environment.finalize(context.call((undefined(name='badge') if l_0_badge is missing else l_0_badge), environment.getattr(l_1_trials, 'badge')))),
            ))
        t_29.extend((
            '</',
            escape(environment.finalize((undefined(name='h') if l_1_h is missing else l_1_h))),
            '>\n',
        ))
        if (not l_1_alone):
            pass
            t_29.extend((
                '<p>',
                escape(environment.finalize(environment.getattr(l_1_trials, 'sentence'))),
                '</p>',
            ))
        t_29.append(
            '\n',
        )
        if (l_1_alone and environment.getattr(l_1_trials, 'cure')):
            pass
            t_29.append(
                '<p><b>What cures, confirmed by these trials:</b></p>\n<ul class="edits">',
            )
            for l_2_change in environment.getattr(l_1_trials, 'cure'):
                _loop_vars = {}
                pass
                t_29.extend((
                    '<li><code>',
                    escape(environment.finalize(t_1(l_2_change))),
                    '</code></li>',
                ))
            l_2_change = missing
            t_29.append(
                '</ul>',
            )
        t_29.extend((
            '\n<p class="hint">',
            escape(environment.finalize(context.call(environment.getattr('{:,}', 'format'), environment.getattr(environment.getattr(l_1_trials, 'outcome'), 'steps')))),
            ' steps, ',
            escape(environment.finalize(environment.getattr(l_1_trials, 'seeds'))),
            '; each arm against the same run, batches and start without it. Spread and movement are those of prior samples over those of the targets.',
        ))
        if environment.getattr(environment.getattr(l_1_trials, 'outcome'), 'shortened'):
            pass
            t_29.extend((
                ' Shortened: ',
                escape(environment.finalize(t_7(context.eval_ctx, environment.getattr(environment.getattr(l_1_trials, 'outcome'), 'shortened'), '; '))),
                '.',
            ))
        t_29.append(
            '</p>\n',
        )
        if environment.getattr(l_1_trials, 'plot'):
            pass
            t_29.extend((
                '<p class="hint">Each arm\'s loss over that of the best constant, the mean over its seeds with all of them as a band: below 1 it beats a constant, below the motionless cursor it draws a movement.</p>\n<div class="plots',
                escape(environment.finalize((' one' if (not environment.getattr(l_1_trials, 'moved')) else cond_expr_undefined("the inline if-expression on line 300 in 'parts.html' evaluated to false and no else section was defined.")))),
                '">',
                escape(environment.finalize(context.call((undefined(name='plot') if l_0_plot is missing else l_0_plot), environment.getattr(l_1_trials, 'plot')))),
            ))
            if environment.getattr(l_1_trials, 'moved'):
                pass
                t_29.append(
                    escape(environment.finalize(context.call((undefined(name='plot') if l_0_plot is missing else l_0_plot), environment.getattr(l_1_trials, 'moved')))),
                )
            t_29.append(
                '</div>\n',
            )
        t_29.append(
            '<div class="scroll" tabindex="0" role="group" aria-label="Arms">\n<table class="arms">\n<thead><tr><th scope="col">Arm</th><th scope="col">Effect</th><th scope="col" class="num">Healthy seeds</th>',
        )
        for l_2_heading in environment.getattr(l_1_trials, 'headings'):
            _loop_vars = {}
            pass
            t_29.extend((
                '<th scope="col" class="num">',
                escape(environment.finalize(t_2(l_2_heading))),
                '</th>',
            ))
        l_2_heading = missing
        t_29.append(
            '<th scope="col" class="num">Distance from health</th><th scope="col" class="num">Loss / best constant</th></tr></thead>\n<tbody>\n',
        )
        for l_2_row in environment.getattr(l_1_trials, 'rows'):
            _loop_vars = {}
            pass
            t_29.append(
                '<tr',
            )
            if environment.getattr(l_2_row, 'chosen'):
                pass
                t_29.append(
                    ' class="chosen"',
                )
            t_29.extend((
                '><th scope="row" class="long">',
                escape(environment.finalize(t_1(environment.getattr(environment.getattr(environment.getattr(l_2_row, 'arm'), 'arm'), 'title')))),
                '</th><td>',
                escape(environment.finalize(context.call((undefined(name='badge') if l_0_badge is missing else l_0_badge), environment.getattr(l_2_row, 'badge'), _loop_vars=_loop_vars))),
                '</td><td class="num">',
                escape(environment.finalize(environment.getattr(environment.getattr(l_2_row, 'arm'), 'healthy_seeds'))),
                ' of ',
                escape(environment.finalize(environment.getattr(environment.getattr(l_2_row, 'arm'), 'seeds'))),
                '</td>',
            ))
            for l_3_value in environment.getattr(l_2_row, 'metrics'):
                _loop_vars = {}
                pass
                t_29.extend((
                    '<td class="num">',
                    escape(environment.finalize(l_3_value)),
                    '</td>',
                ))
            l_3_value = missing
            t_29.extend((
                '<td class="num">',
                escape(environment.finalize(environment.getattr(l_2_row, 'distance'))),
                '</td><td class="num">',
                escape(environment.finalize(environment.getattr(l_2_row, 'loss'))),
                '</td></tr>\n',
            ))
            if (environment.getattr(environment.getattr(l_2_row, 'arm'), 'expected') or environment.getattr(environment.getattr(l_2_row, 'arm'), 'notes')):
                pass
                t_29.extend((
                    '<tr class="joined',
                    escape(environment.finalize((' chosen' if environment.getattr(l_2_row, 'chosen') else cond_expr_undefined("the inline if-expression on line 309 in 'parts.html' evaluated to false and no else section was defined.")))),
                    '"><td colspan="',
                    escape(environment.finalize((5 + t_8(environment.getattr(l_2_row, 'metrics'))))),
                    '">',
                ))
                if environment.getattr(environment.getattr(l_2_row, 'arm'), 'expected'):
                    pass
                    t_29.extend((
                        '<span class="line">Expected: ',
                        escape(environment.finalize(t_7(context.eval_ctx, environment.getattr(environment.getattr(l_2_row, 'arm'), 'expected'), '; '))),
                        '.</span>',
                    ))
                for l_3_note in environment.getattr(environment.getattr(l_2_row, 'arm'), 'notes'):
                    _loop_vars = {}
                    pass
                    t_29.extend((
                        '<span class="line">',
                        escape(environment.finalize(l_3_note)),
                        '.</span>',
                    ))
                l_3_note = missing
                t_29.append(
                    '</td></tr>\n',
                )
        l_2_row = missing
        t_29.append(
            '</tbody>\n</table>\n</div>\n',
        )
        if environment.getattr(environment.getattr(l_1_trials, 'outcome'), 'path'):
            pass
            t_29.append(
                '<details><summary>The search, step by step</summary>\n<ol class="path">',
            )
            for l_2_step in environment.getattr(environment.getattr(l_1_trials, 'outcome'), 'path'):
                _loop_vars = {}
                pass
                t_29.extend((
                    '<li>',
                    escape(environment.finalize(environment.getattr(l_2_step, 'text'))),
                ))
                if environment.getattr(l_2_step, 'kept'):
                    pass
                    t_29.append(
                        ' <span class="chip good">healthy</span>',
                    )
                t_29.append(
                    '</li>',
                )
            l_2_step = missing
            t_29.append(
                '</ol>\n</details>\n',
            )
        for l_2_line in environment.getattr(l_1_trials, 'causes'):
            _loop_vars = {}
            pass
            t_29.extend((
                '<p>',
                escape(environment.finalize(l_2_line)),
                '</p>',
            ))
        l_2_line = missing
        if environment.getattr(environment.getattr(l_1_trials, 'outcome'), 'untried'):
            pass
            t_29.extend((
                '<details><summary>',
                escape(environment.finalize(t_4(t_8(environment.getattr(environment.getattr(l_1_trials, 'outcome'), 'untried')), 'arm'))),
                ' not tried</summary>\n<ul>',
            ))
            for l_2_line in environment.getattr(environment.getattr(l_1_trials, 'outcome'), 'untried'):
                _loop_vars = {}
                pass
                t_29.extend((
                    '<li>',
                    escape(environment.finalize(t_1(l_2_line))),
                    '</li>',
                ))
            l_2_line = missing
            t_29.append(
                '</ul>\n</details>',
            )
        for l_2_line in environment.getattr(environment.getattr(l_1_trials, 'outcome'), 'warm_start'):
            _loop_vars = {}
            pass
            t_29.extend((
                '<p class="why">',
                escape(environment.finalize(l_2_line)),
                '</p>',
            ))
        l_2_line = missing
        for l_2_hint in environment.getattr(environment.getattr(l_1_trials, 'outcome'), 'hints'):
            _loop_vars = {}
            pass
            t_29.extend((
                '<div class="code-hint"><p><b>humouse itself needs:</b> ',
                escape(environment.finalize(l_2_hint)),
                '</p></div>',
            ))
        l_2_hint = missing
        t_29.append(
            '</section>\n',
        )
        return concat(t_29)
    context.exported_vars.add('trials')
    context.vars['trials'] = l_0_trials = Macro(environment, macro, 'trials', ('trials', 'level', 'alone'), False, False, False, context.eval_ctx.autoescape)
    yield '\n'
    def macro(l_1_compared):
        t_30 = []
        l_1_both = missing
        if l_1_compared is missing:
            l_1_compared = undefined("parameter 'compared' was not provided", name='compared')
        pass
        l_1_both = environment.getattr(l_1_compared, 'comparison')
        t_30.extend((
            '<section>\n<h2 id="compared">What has changed</h2>\n<p class="sentence">',
            escape(environment.finalize(t_2(environment.getattr(environment.getattr(l_1_compared, 'before'), 'word')))),
            ' → ',
            escape(environment.finalize(environment.getattr(environment.getattr(l_1_compared, 'after'), 'word'))),
            '</p>\n<div class="sides">\n',
        ))
        for (l_2_label, l_2_report, l_2_verdict, l_2_drawn) in [('Before', environment.getattr((undefined(name='both') if l_1_both is missing else l_1_both), 'before'), environment.getattr(l_1_compared, 'before'), environment.getitem(environment.getattr(l_1_compared, 'plots'), 0)), ('After', environment.getattr((undefined(name='both') if l_1_both is missing else l_1_both), 'after'), environment.getattr(l_1_compared, 'after'), environment.getitem(environment.getattr(l_1_compared, 'plots'), 1))]:
            _loop_vars = {}
            pass
            t_30.extend((
                '<section class="side ',
                escape(environment.finalize(environment.getattr(l_2_verdict, 'style'))),
                '">\n<h3 id="side-',
                escape(environment.finalize(t_10(l_2_label))),
                '">',
                escape(environment.finalize(l_2_label)),
                ' ',
                escape(environment.finalize(context.call((undefined(name='badge') if l_0_badge is missing else l_0_badge), l_2_verdict, _loop_vars=_loop_vars))),
                '</h3>\n<p class="name">',
                escape(environment.finalize(t_1(t_14(environment.getattr(environment.getattr(l_2_report, 'subject'), 'name'))))),
                '</p>\n<p>',
                escape(environment.finalize(t_1(environment.getattr(l_2_report, 'sentence')))),
                '</p>\n<div class="plots">',
                escape(environment.finalize(context.call((undefined(name='pair') if l_0_pair is missing else l_0_pair), l_2_drawn, _loop_vars=_loop_vars))),
                '</div>\n</section>\n',
            ))
        l_2_label = l_2_report = l_2_verdict = l_2_drawn = missing
        t_30.append(
            '</div>\n',
        )
        if environment.getattr(l_1_compared, 'note'):
            pass
            t_30.extend((
                '<p class="hint">',
                escape(environment.finalize(environment.getattr(l_1_compared, 'note'))),
                '</p>',
            ))
        if environment.getattr(l_1_compared, 'nothing'):
            pass
            t_30.extend((
                '<p>',
                escape(environment.finalize(environment.getattr(l_1_compared, 'nothing'))),
                '</p>',
            ))
        for l_2_group in environment.getattr(l_1_compared, 'groups'):
            _loop_vars = {}
            pass
            t_30.extend((
                escape(environment.finalize(context.call((undefined(name='changed') if l_0_changed is missing else l_0_changed), environment.getattr(l_2_group, 'title'), environment.getattr(l_2_group, 'style'), environment.getattr(l_2_group, 'symbol'), environment.getattr(l_2_group, 'findings'), _loop_vars=_loop_vars))),
                '\n',
            ))
        l_2_group = missing
        if environment.getattr(l_1_compared, 'moved'):
            pass
            t_30.append(
                '<h3>Numbers that have changed</h3>\n<div class="scroll" tabindex="0" role="group" aria-label="Numbers that have changed">\n<table class="moved">\n<thead><tr><th scope="col">Metric</th><th scope="col" class="num">Before</th><th scope="col" class="num">After</th><th scope="col">Healthy</th><th scope="col">Now</th></tr></thead>\n<tbody>\n',
            )
            for l_2_row in environment.getattr(l_1_compared, 'moved'):
                _loop_vars = {}
                pass
                t_30.extend((
                    '<tr><th scope="row"><span class="metric">',
                    escape(environment.finalize(t_1(environment.getattr(l_2_row, 'name')))),
                    '</span><span class="meaning">',
                    escape(environment.finalize(environment.getattr(l_2_row, 'meaning'))),
                    '</span></th><td class="num">',
                    escape(environment.finalize(environment.getattr(l_2_row, 'before'))),
                    '</td><td class="num">',
                    escape(environment.finalize(environment.getattr(l_2_row, 'after'))),
                    '</td><td class="nowrap">',
                    escape(environment.finalize(environment.getattr(l_2_row, 'healthy'))),
                    '</td><td>',
                    escape(environment.finalize(context.call((undefined(name='badge') if l_0_badge is missing else l_0_badge), environment.getattr(l_2_row, 'badge'), _loop_vars=_loop_vars))),
                    '</td></tr>\n',
                ))
            l_2_row = missing
            t_30.append(
                '</tbody>\n</table>\n</div>\n',
            )
        t_30.append(
            '</section>\n',
        )
        return concat(t_30)
    context.exported_vars.add('compared')
    context.vars['compared'] = l_0_compared = Macro(environment, macro, 'compared', ('compared',), False, False, False, context.eval_ctx.autoescape)
    yield '\n'
    def macro(l_1_title, l_1_style, l_1_symbol, l_1_findings):
        t_31 = []
        if l_1_title is missing:
            l_1_title = undefined("parameter 'title' was not provided", name='title')
        if l_1_style is missing:
            l_1_style = undefined("parameter 'style' was not provided", name='style')
        if l_1_symbol is missing:
            l_1_symbol = undefined("parameter 'symbol' was not provided", name='symbol')
        if l_1_findings is missing:
            l_1_findings = undefined("parameter 'findings' was not provided", name='findings')
        pass
        if l_1_findings:
            pass
            t_31.extend((
                '<h3>',
                escape(environment.finalize(l_1_title)),
                '</h3>\n<ul class="changed">\n',
            ))
            for l_2_finding in l_1_findings:
                _loop_vars = {}
                pass
                t_31.extend((
                    '<li><span class="badge ',
                    escape(environment.finalize(l_1_style)),
                    '"><span class="symbol" aria-hidden="true">',
                    escape(environment.finalize(l_1_symbol)),
                    '</span>',
                    escape(environment.finalize(environment.getattr(l_2_finding, 'code'))),
                    '</span> <b>',
                    escape(environment.finalize(environment.getattr(l_2_finding, 'name'))),
                    '</b>: ',
                    escape(environment.finalize(t_1(environment.getattr(l_2_finding, 'message')))),
                    '</li>\n',
                ))
            l_2_finding = missing
            t_31.append(
                '</ul>\n',
            )
        return concat(t_31)
    context.exported_vars.add('changed')
    context.vars['changed'] = l_0_changed = Macro(environment, macro, 'changed', ('title', 'style', 'symbol', 'findings'), False, False, False, context.eval_ctx.autoescape)

blocks = {}
debug_info = '1=108&3=133&5=140&6=142&7=150&8=154&9=158&11=161&13=166&14=171&18=196&23=206&24=213&25=216&26=220&31=231&32=236&35=269&37=300&39=341&41=359&42=370&45=383&46=391&47=392&49=397&50=404&51=413&52=418&54=428&55=435&56=442&57=449&58=458&63=465&64=475&65=476&66=477&68=481&70=485&72=495&73=500&74=504&75=506&76=509&77=519&78=534&79=541&80=549&86=556&88=560&89=567&92=579&94=583&95=592&96=601&97=614&98=631&99=636&100=648&101=655&103=660&104=667&106=684&109=692&111=696&112=698&116=703&117=708&118=726&119=731&124=743&125=748&127=752&128=759&129=763&130=765&131=776&132=778&133=781&134=785&137=792&138=796&139=798&143=805&147=811&149=815&150=822&151=839&153=844&154=848&160=858&162=862&163=871&164=878&166=883&167=887&169=891&170=893&171=905&172=912&173=920&180=930&182=934&184=941&185=950&189=962&191=966&196=976&197=981&198=987&200=993&201=1000&202=1004&203=1006&204=1018&205=1026&208=1035&209=1040&210=1048&211=1055&221=1088&223=1092&225=1102&227=1107&228=1113&229=1116&230=1125&231=1132&232=1151&239=1165&241=1169&243=1175&244=1178&245=1185&246=1192&247=1201&248=1203&249=1206&250=1210&252=1231&253=1233&255=1236&256=1253&257=1257&262=1260&263=1265&274=1293&276=1330&277=1336&278=1339&280=1344&281=1348&282=1353&283=1358&284=1367&288=1377&289=1387&291=1390&292=1404&294=1414&295=1419&297=1433&298=1448&300=1452&304=1467&306=1479&307=1485&308=1517&309=1521&315=1549&317=1554&320=1573&321=1582&322=1589&324=1601&325=1610&329=1626&330=1632&333=1635&335=1640&336=1645&337=1647&338=1653&339=1655&340=1657&344=1664&345=1671&346=1678&347=1682&349=1686&355=1691&356=1696&365=1720&366=1731&367=1735&369=1738&370=1743'